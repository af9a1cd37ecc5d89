// By the shape of an answer: its view, the tool that gave it, and what that was asked where the host does not tell.
// These tools and those behind the buttons are all that this page calls; each of them only reads. An upload has none.
const ofIssue = (data) => ({ issue_id: data.issue_id ?? data.id });
const SHAPES = [
  [(data) => data.older && data.newer, comparedView, "error-tracking-releases-compare", ({ older, newer }) => ({ first: older.release?.id, second: newer.release?.id })],
  [(data) => "uploaded" in data, buildView],
  [(data) => data.scripts || data.states, buildView, "error-tracking-build-check"],
  [(data) => data.traces, issueView, RESOLVE],
  [(data) => data.causes, issueView, DIAGNOSE_ISSUE, ofIssue],
  [(data) => data.results && data.issue_id, issueView, EVENTS, ofIssue],
  [(data) => "occurrences" in data, issueView, ISSUE, ofIssue],
  [(data) => data.newest_releases, healthView, DIAGNOSE],
  [(data) => data.results, healthView, "error-tracking-releases-list", () => ({})],
];
const plainView = (data) => ({ kind: "Answer", title: "PostHog error tracking", body: [el("pre", data.said ?? JSON.stringify(data, null, 1))] });

const panel = document.getElementById("panel");
const { content: origin } = document.querySelector("meta[name=posthog-origin]");
// What the tool was asked, where the host tells.
let input;
let refresh;

// A link leads to the PostHog that the server named in this page, or nowhere.
const linkOf = (data) => {
  const link = URL.canParse(text(data.link || data.posthog_url)) && new URL(data.link || data.posthog_url);
  return link && link.protocol === "https:" && link.origin === origin && link.href;
};

const show = (data, ...known) => {
  const [, view, tool, repeat] = SHAPES.find(([fits]) => fits(data)) ?? [null, plainView];
  if (!known.length) {
    const given = input ?? repeat?.(data);
    refresh = tool && given && (async (changes) => {
      show(await call(tool, { ...given, ...changes }));
      say("Up to date.");
    });
  }
  const ask = async () => {
    await request("ui/message", { role: "user", content: [{ type: "text", text: shown.ask }] });
    say("Asked.");
  };
  const shown = view(data, refresh, show, ...known);
  const link = linkOf(data);
  const { key } = document.activeElement?.dataset ?? {};
  panel.replaceChildren(el("header.split", el("div", el("p.kind", shown.kind, shown.mark), el("h1", shown.title)), el("p.actions",
    refresh && asking("Refresh", () => refresh()),
    can("openLinks") && link && button("Open in PostHog", () => request("ui/open-link", { url: link })),
    can("message") && shown.ask && button("Ask the assistant", ask))), el("div", shown.body));
  if (key) [...panel.querySelectorAll("button")].find((node) => node.dataset.key === key)?.focus();
};

const useContext = (context) => {
  Object.assign(host.context, context);
  // Some hosts name a language, as en_US, or a time zone that browsers refuse: then those of the browser are used.
  try {
    new Intl.DateTimeFormat(host.context.locale, host.context);
  } catch {
    host.context.locale = host.context.timeZone = undefined;
  }
  const { style } = document.documentElement;
  style.colorScheme = host.context.theme ?? "";
  for (const [name, value] of entries(record(context.styles).variables)) if (name.startsWith("--")) style.setProperty(name, value);
};

const sizes = new ResizeObserver(([{ contentRect }]) => {
  notify("ui/notifications/size-changed", { height: Math.ceil(contentRect.height) });
});
const fail = (error) => panel.replaceChildren(el("h1", "This did not work"), el("p.lead", error.message));
const handlers = new Map(Object.entries({
  ping() {},
  "ui/notifications/tool-input": (params) => { input = record(params.arguments); },
  "ui/notifications/tool-result": (result) => {
    try {
      show(read(result));
    } catch (error) {
      fail(error);
    }
  },
  "ui/notifications/tool-cancelled": () => fail(new Error("The call was cancelled.")),
  "ui/notifications/host-context-changed": useContext,
  "ui/resource-teardown": () => sizes.disconnect(),
}));

request("ui/initialize", {
  appInfo: { name: "errtrack-mcp", version: "1" },
  appCapabilities: {},
  protocolVersion: "2026-01-26",
}).then((answer) => {
  host.capabilities = record(answer.hostCapabilities);
  useContext(record(answer.hostContext));
  notify("ui/notifications/initialized");
  sizes.observe(document.documentElement);
}, fail);
