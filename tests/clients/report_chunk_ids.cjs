// Prints, when Node ends, what the code at the top of scripts left on the global object, in one line of JSON.
process.on("exit", () => {
  const { _posthogChunkIds: ids = {}, _posthogReleaseId: release = "" } = globalThis;
  process.stdout.write(`${JSON.stringify({ ids, release })}\n`);
});
