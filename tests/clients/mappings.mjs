// Prints the mappings of source maps as JSON, decoded by the reader that bundlers use themselves.
// Usage: node mappings.mjs MAP...; of each mapping: line and column (from 0), source, its line and column, name.
import { readFileSync } from "node:fs";
import { AnyMap, eachMapping } from "@jridgewell/trace-mapping";

function mappings(file) {
  const found = [];
  eachMapping(new AnyMap(readFileSync(file, "utf8")), (each) => {
    found.push([each.generatedLine - 1, each.generatedColumn, each.source, each.originalLine, each.originalColumn, each.name]);
  });
  return found;
}

console.log(JSON.stringify(process.argv.slice(2).map(mappings)));
