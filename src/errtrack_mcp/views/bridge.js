// The host outside the frame: JSON-RPC over postMessage, as MCP Apps 2026-01-26 describes it.
const host = { capabilities: {}, context: {} };
const waiting = new Map();
let lastId = 0;

const send = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
const notify = (method, params = {}) => send({ method, params });
const can = (capability) => Boolean(host.capabilities[capability]);
const request = (method, params) => new Promise((resolve, reject) => {
  waiting.set(++lastId, { resolve, reject });
  send({ id: lastId, method, params });
});

addEventListener("message", ({ source, data }) => {
  if (source !== parent || record(data).jsonrpc !== "2.0") return;
  const { id, method, params, result, error } = data;
  if (method) {
    const handle = handlers.get(method);
    if (id === undefined) handle?.(record(params));
    else if (handle) send({ id, result: handle(record(params)) ?? {} });
    else send({ id, error: { code: -32601, message: "Method not found" } });
    return;
  }
  const asked = waiting.get(id);
  waiting.delete(id);
  if (error) asked?.reject(new Error(text(error.message) || "The client refused."));
  else asked?.resolve(record(result));
});

// A result has its data twice, and some hosts drop the structured half. Throws what a failed call says.
const read = (result) => {
  const said = text(records(result.content).find((part) => part.type === "text")?.text, 4e6);
  if (result.isError) throw new Error(said || "The call failed.");
  if (isRecord(result.structuredContent)) return result.structuredContent;
  try {
    return { said, ...record(JSON.parse(said)) };
  } catch {
    return { said };
  }
};
const call = async (name, given) => read(await request("tools/call", { name, arguments: given }));
