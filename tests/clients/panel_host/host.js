// A host of MCP Apps made of the official AppBridge. It shows one page and passes everything on to Python.
import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

const frame = document.querySelector("iframe");

const when = (bridge, name) => new Promise((resolve) => bridge.addEventListener(name, resolve));

globalThis.openPanel = async ({ html, capabilities, context }) => {
  const bridge = new AppBridge(null, { name: "test-host", version: "1" }, capabilities, { hostContext: context });
  bridge.oncalltool = (params) => globalThis.python("tools/call", params);
  bridge.onopenlink = (params) => globalThis.python("ui/open-link", params);
  bridge.onmessage = (params) => globalThis.python("ui/message", params);
  bridge.addEventListener("sizechange", (params) => {
    frame.style.height = `${params.height}px`;
    globalThis.python("size", params);
  });
  const [proxy, initialized] = [when(bridge, "sandboxready"), when(bridge, "initialized")];
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.src = "https://sandbox.test/";
  await proxy;
  await bridge.sendSandboxResourceReady({ html });
  await initialized;
  globalThis.bridge = bridge;
  return bridge.getAppVersion();
};
