"use strict";
// The host of the panel: it answers what the page asks, as a client with MCP Apps does, and calls tools through /call.
const meta = (name) => document.querySelector(`meta[name=${name}]`).content;
const frame = document.querySelector("iframe");
const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => ({ theme: dark.matches ? "dark" : "light" });

const send = (message) => frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
const notify = (method, params) => send({ method: `ui/notifications/${method}`, params });

const call = async (params) => {
  const answer = await fetch("/call", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-View-Secret": meta("view-secret") },
    body: JSON.stringify(params),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
};

const requests = {
  "ui/initialize": () => ({
    protocolVersion: "2026-01-26",
    hostInfo: { name: "errtrack-mcp view", version: "1" },
    hostCapabilities: { serverTools: {}, openLinks: {} },
    hostContext: { ...theme(), locale: navigator.language, displayMode: "inline" },
  }),
  "ui/open-link": ({ url }) => {
    if (new URL(url).origin !== meta("posthog-origin")) throw new Error("This link does not lead to your PostHog.");
    open(url, "_blank", "noopener,noreferrer");
    return {};
  },
  "tools/call": call,
  ping: () => ({}),
};

const notifications = {
  "ui/notifications/initialized": async () => {
    const first = JSON.parse(meta("view-call"));
    notify("tool-input", { arguments: first.arguments });
    const failed = (error) => ({ isError: true, content: [{ type: "text", text: error.message }] });
    notify("tool-result", await call(first).catch(failed));
  },
  "ui/notifications/size-changed": ({ height }) => { frame.style.height = `${height}px`; },
};

addEventListener("message", async ({ source, data }) => {
  if (source !== frame.contentWindow) return;
  if (data.id === undefined) return notifications[data.method]?.(data.params);
  try {
    if (!Object.hasOwn(requests, data.method)) throw new Error("This host does not offer it.");
    send({ id: data.id, result: await requests[data.method](data.params) });
  } catch (error) {
    send({ id: data.id, error: { code: -32000, message: error.message } });
  }
});
dark.addEventListener("change", () => notify("host-context-changed", theme()));
