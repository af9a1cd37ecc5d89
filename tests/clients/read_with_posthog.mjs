// Prints, for each script, the chunk id that PostHog's plugins find in it, and the one that they would give its text.
import { readFileSync } from "node:fs";
import { createStableChunkId, determineChunkIdFromSource } from "@posthog/plugin-utils";

const texts = process.argv.slice(2).map((file) => readFileSync(file, "utf8"));
console.log(JSON.stringify(texts.map((text) => [determineChunkIdFromSource(text) ?? "", createStableChunkId(text)])));
