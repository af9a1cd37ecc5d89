// Connects with a TypeScript client, lists the tools, calls one that answers and one that refuses, and prints what it saw.
// Usage: node session.mjs sdk|client stdio|http|sse legacy|auto COMMAND ARGUMENT... | URL KEY
const [library, transport, era, ...target] = process.argv.slice(2);

async function classes() {
  if (library === "client") {
    const { Client, StreamableHTTPClientTransport, SSEClientTransport } = await import("@modelcontextprotocol/client");
    const { StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
    return { Client, StreamableHTTPClientTransport, SSEClientTransport, StdioClientTransport };
  }
  const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
  const { StdioClientTransport } = await import("@modelcontextprotocol/sdk/client/stdio.js");
  const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
  const { SSEClientTransport } = await import("@modelcontextprotocol/sdk/client/sse.js");
  return { Client, StreamableHTTPClientTransport, SSEClientTransport, StdioClientTransport };
}

function connection({ StreamableHTTPClientTransport, SSEClientTransport, StdioClientTransport }) {
  if (transport === "stdio") {
    const [command, ...args] = target;
    return new StdioClientTransport({ command, args, stderr: "inherit" });
  }
  const [url, key] = target;
  const requestInit = { headers: { Authorization: `Bearer ${key}` } };
  const Transport = transport === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
  return new Transport(new URL(url), { requestInit });
}

const found = await classes();
const options = era === "auto" ? { versionNegotiation: { mode: "auto" } } : {};
const client = new found.Client({ name: "test", version: "0" }, options);
await client.connect(connection(found));
const { tools } = await client.listTools();
const answer = await client.callTool({ name: "error-tracking-releases-list", arguments: { limit: 2 } });
const refusal = await client.callTool({ name: "error-tracking-releases-list", arguments: { limit: 0 } });
const protocol = client.getNegotiatedProtocolVersion?.() ?? client.transport?.protocolVersion ?? null;
const report = {
  server: client.getServerVersion(),
  protocol,
  tools: tools.map((tool) => tool.name),
  answer: answer.structuredContent,
  refusal: { isError: refusal.isError, text: refusal.content[0].text },
};
await client.close();
process.stdout.write(JSON.stringify(report));
