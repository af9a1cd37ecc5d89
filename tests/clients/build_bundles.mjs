// Bundles an app in several ways with one bundler.
// Usage: node build_bundles.mjs BUNDLER PROJECT; PROJECT/lf and PROJECT/crlf hold the app, PROJECT/out/NAME gets a bundle.
import path from "node:path";

const [bundler, project] = process.argv.slice(2);
const HASHBANG = "#!/usr/bin/env node";
const LICENSE = `/*! a license of more than 4,096 bytes 🛒\n${" * All rights reserved.\n".repeat(200)} */`;
const entry = (ends = "lf") => path.join(project, ends, "main.js");
const out = (name) => path.join(project, "out", name);

async function withEsbuild() {
  const { build } = await import("esbuild");
  const common = { bundle: true, logLevel: "silent", charset: "utf8", entryPoints: [entry()] };
  await build({ ...common, outdir: out("iife"), format: "iife", minify: true, sourcemap: true });
  await build({ ...common, entryPoints: [path.join(project, "lf", "cart.js")], outdir: out("cart"), format: "iife", minify: true, sourcemap: true, treeShaking: false });
  await build({ ...common, outfile: path.join(out("license"), "main.js"), format: "iife", sourcemap: true, banner: { js: LICENSE } });
  const banner = { js: `${HASHBANG}\n"use strict"` };
  await build({ ...common, outfile: path.join(out("hashbang"), "main.cjs"), format: "cjs", platform: "node", sourcemap: "external", banner });
  const modules = { format: "esm", splitting: true, outExtension: { ".js": ".mjs" } };
  await build({ ...common, ...modules, entryPoints: [entry("crlf")], outdir: out("modules"), minify: true, sourcemap: "external" });
}

async function withRollup() {
  const { rollup } = await import("rollup");
  const { default: terser } = await import("@rollup/plugin-terser");
  const write = async (name, options, ends = "lf") => {
    const bundle = await rollup({ input: entry(ends), treeshake: true });
    await bundle.write({ dir: out(name), sourcemap: true, ...options });
    await bundle.close();
  };
  const modules = { format: "es", entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" };
  await write("modules", { ...modules, banner: `${HASHBANG}\r\n/* 🛒 */ 'use strict';` }, "crlf");
  await write("minified", { ...modules, sourcemap: "hidden", plugins: [terser({ module: true, maxWorkers: 1 })] });
  const commonjs = { format: "cjs", entryFileNames: "[name].cjs", chunkFileNames: "[name]-[hash].cjs" };
  await write("line", { ...commonjs, plugins: [terser({ maxWorkers: 1, format: { comments: "some" } })] });
  await write("license", { ...commonjs, banner: LICENSE });
  const iife = { format: "iife", name: "app", inlineDynamicImports: true };
  await write("iife", { ...iife, plugins: [terser({ maxWorkers: 1, format: { comments: "some" } })], sourcemap: "hidden" });
}

async function withVite() {
  const { build } = await import("vite");
  const write = (name, options, ends = "lf") => build({
    root: project, configFile: false, logLevel: "silent",
    build: {
      outDir: out(name), target: "esnext", sourcemap: true, modulePreload: false, ...options,
      rollupOptions: { input: entry(ends), output: { entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" } },
    },
  });
  await write("minified", { minify: true });
  await write("hidden", { minify: false, sourcemap: "hidden", ssr: true }, "crlf");
}

async function withWebpack(name) {
  const { default: webpack } = await import(name);
  const run = (configuration) => new Promise((resolve, reject) => {
    const compiler = webpack({ context: project, target: "node", ...configuration });
    compiler.run((error, stats) => {
      const failure = error ?? (stats.hasErrors() ? new Error(stats.toString()) : undefined);
      compiler.close(() => (failure ? reject(failure) : resolve()));
    });
  });
  const banner = new webpack.BannerPlugin({ banner: `${HASHBANG}\n"use strict";\n`, raw: true });
  const output = (folder) => ({ path: out(folder), filename: "main.cjs", chunkFilename: "[id].cjs" });
  await run({ mode: "production", entry: entry("crlf"), devtool: "source-map", output: output("minified") });
  await run({ mode: "production", entry: entry(), devtool: "hidden-source-map", output: output("hashbang"), plugins: [banner], optimization: { minimize: false } });
  await run({ mode: "development", entry: entry(), devtool: "cheap-module-source-map", output: output("lines") });
  const web = { path: out("web"), filename: "main.js", iife: true };
  await run({ mode: "production", target: ["web", "es2022"], entry: { main: { import: entry(), asyncChunks: false } }, devtool: "source-map", output: web });
}

const builders = { esbuild: withEsbuild, rollup: withRollup, vite: withVite, webpack: () => withWebpack("webpack"), rspack: () => withWebpack("@rspack/core") };
await builders[bundler]();
