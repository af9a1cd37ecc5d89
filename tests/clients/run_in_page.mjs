// Runs classic scripts one after the other, each in a page of its own: a context that has a window and no Node.
// Usage: node run_in_page.mjs SCRIPT...; prints, for each, what it wrote and what it left on window, as JSON.
import { readFileSync } from "node:fs";
import vm from "node:vm";

const pages = process.argv.slice(2).map((file) => {
  const written = [];
  const window = {};
  const write = (text) => written.push(String(text));
  const context = vm.createContext({ window, console: { log: write, error: () => {} } });
  vm.runInContext(readFileSync(file, "utf8"), context, { filename: `https://shop.example/${file.split("/").pop()}` });
  return { written, ids: window._posthogChunkIds ?? {}, release: window._posthogReleaseId ?? "" };
});
console.log(JSON.stringify(pages));
