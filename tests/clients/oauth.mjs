// Logs in through what an MCP server says of itself, calls, lets its token expire and be renewed, has it revoked, and is
// refused.
// Usage: node oauth.mjs sdk|client URL ISSUER PROJECT
const [library, url, issuer, project] = process.argv.slice(2);

const { Client, StreamableHTTPClientTransport, UnauthorizedError } =
  library === "client"
    ? await import("@modelcontextprotocol/client")
    : {
        ...(await import("@modelcontextprotocol/sdk/client/index.js")),
        ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")),
        ...(await import("@modelcontextprotocol/sdk/client/auth.js")),
      };

// What a program keeps of a login; the person at the browser is played by `allow`.
const kept = { saved: 0, asked: [] };
const provider = {
  redirectUrl: "http://127.0.0.1:7777/callback",
  clientMetadata: {
    client_name: "Test",
    redirect_uris: ["http://127.0.0.1:7777/callback"],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  },
  state: () => "state-of-the-test",
  clientInformation: () => kept.client,
  saveClientInformation: (client) => void (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => {
    kept.tokens = tokens;
    kept.saved += 1;
  },
  redirectToAuthorization: (address) => void kept.asked.push(address),
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
  invalidateCredentials: (what) => void (what === "tokens" && delete kept.tokens),
};

async function allow(address) {
  const form = new URLSearchParams(address.searchParams);
  form.set("allow", "yes");
  form.set("project_id", project);
  const answer = await fetch(`${issuer}/oauth/authorize/`, { method: "POST", body: form, redirect: "manual" });
  return new URL(answer.headers.get("location")).searchParams.get("code");
}

async function refused(work) {
  try {
    await work();
  } catch (error) {
    if (error instanceof UnauthorizedError || error.cause instanceof UnauthorizedError) return true;
    throw error;
  }
  return false;
}

const connect = async () => {
  const client = new Client({ name: "test", version: "0" });
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: provider });
  return { client, transport };
};

const first = await connect();
const refusedFirst = await refused(() => first.client.connect(first.transport));
const code = await allow(kept.asked[0]);
await first.transport.finishAuth(code);
const { client, transport } = await connect();
await client.connect(transport);
const call = () => client.callTool({ name: "error-tracking-releases-list", arguments: { limit: 1 } });
const answers = [await call()];
await fetch(`${issuer}/expire`, { method: "POST" });
answers.push(await call(), await call());
await fetch(`${issuer}/oauth/revoke/`, { method: "POST", body: new URLSearchParams({ token: kept.tokens.refresh_token }) });
const refusedLast = await refused(call);
await client.close().catch(() => {});
const scope = kept.asked[0].searchParams.get("scope");
const versions = [...new Set(answers.map((answer) => answer.structuredContent?.results?.[0]?.version))];
const failed = answers.filter((answer) => answer.isError).length;
process.stdout.write(JSON.stringify({ refusedFirst, scope, versions, failed, saved: kept.saved, refusedLast, asked: kept.asked.length }));
