// Bundles an app with PostHog's own plugins, and without them.
// Usage: node build_with_posthog.mjs PROJECT CLI; PROJECT/plain/NAME and PROJECT/injected/NAME get the bundles.
// The plugins run CLI where they look a release up and where they would upload.
import path from "node:path";
import posthogRollupPlugin from "@posthog/rollup-plugin";
import { PosthogWebpackPlugin } from "@posthog/webpack-plugin";
import terser from "@rollup/plugin-terser";
import { rollup } from "rollup";
import { build } from "vite";
import webpack from "webpack";

const [project, cliBinaryPath] = process.argv.slice(2);
const sourcemaps = { releaseName: "shop", releaseVersion: "1.0", deleteAfterUpload: false };
const options = { personalApiKey: "phx_made_up", projectId: "1", host: "http://127.0.0.1:9", cliBinaryPath, logLevel: "silent", sourcemaps };
const entry = path.join(project, "lf", "main.js");

async function withRollup(out, plugins, minified) {
  const bundle = await rollup({ input: entry, plugins });
  const output = { file: path.join(out, "main.cjs"), format: "cjs", sourcemap: true, inlineDynamicImports: true };
  await bundle.write({ ...output, banner: "#!/usr/bin/env node", plugins: minified ? [terser({ maxWorkers: 1 })] : [] });
  await bundle.close();
}

async function withVite(outDir, plugins) {
  const output = { entryFileNames: "[name].mjs", codeSplitting: false };
  const settings = { outDir, target: "esnext", sourcemap: true, modulePreload: false, minify: true, rollupOptions: { input: entry, output } };
  await build({ root: project, configFile: false, logLevel: "silent", plugins, build: settings });
}

const withWebpack = (out, plugins) => new Promise((resolve, reject) => {
  const compiler = webpack({
    mode: "production", target: "node", context: project, entry: { main: { import: entry, asyncChunks: false } },
    devtool: plugins.length ? false : "source-map-debugids", output: { path: out, filename: "main.cjs" }, plugins,
  });
  compiler.run((error, stats) => {
    const failure = error ?? (stats.hasErrors() ? new Error(stats.toString()) : undefined);
    compiler.close(() => (failure ? reject(failure) : resolve()));
  });
});

for (const folder of ["plain", "injected"]) {
  const out = (name) => path.join(project, folder, name);
  const injects = folder === "injected";
  await withRollup(out("rollup"), injects ? [posthogRollupPlugin(options)] : [], false);
  await withRollup(out("terser"), injects ? [posthogRollupPlugin(options)] : [], true);
  await withVite(out("vite"), injects ? [posthogRollupPlugin(options)] : []);
  await withWebpack(out("webpack"), injects ? [new PosthogWebpackPlugin(options)] : []);
}
