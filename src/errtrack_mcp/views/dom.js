// Strangers wrote what an answer holds: it becomes text, never markup, and nothing is shown without a bound.
const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const record = (value) => (isRecord(value) ? value : {});
const list = (value, most = 500) => (Array.isArray(value) ? value.slice(0, most) : []);
const records = (value, most) => list(value, most).filter(isRecord);
const entries = (value) => Object.entries(record(value)).slice(0, 100);
const text = (value, most = 2000) => {
  const read = typeof value === "string" || typeof value === "number" ? String(value) : "";
  return read.length > most ? `${read.slice(0, most)}…` : read;
};
const joined = (values, by) => values.map((value) => text(value)).filter(Boolean).join(by);
const words = (value) => text(value, 80).replaceAll("_", " ");
const isUuid = (value) => /^[0-9a-f-]{36}$/i.test(text(value));
const count = (value) => (Number.isFinite(value) ? value.toLocaleString(host.context.locale) : "?");
const many = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

// "p.soft" is a paragraph with the class soft. A child is a node, or else text: no value of an answer sets an attribute.
const el = (tag, ...children) => {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(" ");
  for (const child of children.flat(5)) node.append(child instanceof Node ? child : text(child));
  return node;
};
const set = (node, attributes) => {
  for (const [name, value] of Object.entries(attributes)) if (value) node.setAttribute(name, value);
  return node;
};
const styled = (kind, style) => {
  const node = el(`i.${kind}`);
  Object.assign(node.style, style);
  return node;
};
const soft = (...children) => el("p.soft", children);
const rows = (items) => el("ul.rows", items);
const split = (...children) => el("div.split", children);
const heading = (title, aside) => split(el("h3.said", title), el("span.soft", aside));
const fold = (title, ...children) => el("details", el("summary", title), children);
// The first few, and the rest for who opens them.
const few = (make, items, word, most = 4) => {
  const rest = items.slice(most);
  return [make(items.slice(0, most)), rest.length > 0 && fold(many(rest.length, `more ${word}`), make(rest))];
};
const section = (title, ...children) => el("section", el("h2", title), children);

// A moment in milliseconds, of a text or already that.
const time = (value) => (typeof value === "number" ? value : Date.parse(text(value, 40)));
const when = (value) => {
  const moment = new Date(time(value));
  if (isNaN(moment)) return text(value, 40);
  const { locale, timeZone } = host.context;
  const shown = moment.toLocaleString(locale, { dateStyle: "medium", timeStyle: "short", timeZone });
  return set(el("time", shown), { datetime: moment.toISOString() });
};
const say = (message, kind = "") => {
  const status = document.getElementById("status");
  status.textContent = message;
  status.className = kind;
};

// One click at a time. Whatever goes wrong is said, and the button works again. `key` finds its successor after Refresh.
const button = (label, act, key = label, spoken = "") => {
  const node = set(el("button", label), { type: "button", "data-key": key, "aria-label": spoken });
  node.onclick = async () => {
    if (node.ariaBusy) return;
    node.ariaBusy = "true";
    say("");
    try {
      await act();
    } catch (error) {
      say(`${label}: ${text(error.message)}`, "bad");
    }
    node.ariaBusy = null;
  };
  return node;
};
// Where the host passes calls on to the server.
const asking = (...given) => can("serverTools") && button(...given);

const pill = (kind, label) => el(`span.pill.${kind}`, label);
const READABLE = { true: ["good", "Readable"], false: ["bad", "Not readable"], null: ["idle", "Could not tell"] };
const readable = (value) => Object.hasOwn(READABLE, value) && pill(...READABLE[value]);

// Parts are [kind, label, number]. The numbers stand below the bar: colour alone says nothing to many.
const bar = (parts) => {
  const known = parts.filter(([, , number]) => number > 0);
  const pieces = known.map(([kind, , number]) => styled(kind, { flexGrow: number }));
  const label = known.map(([, name, number]) => `${count(number)} ${name}`).join(", ");
  const legend = parts.map(([kind, name, number]) => el("li", el(`i.${kind}`), el("b", count(number)), ` ${name}`));
  return [set(el("div.bar", pieces), { role: "img", "aria-label": label }), el("ul.legend", legend)];
};
const facts = (...pairs) => el("dl.facts", pairs.filter(([, value]) => value).map(([name, value]) => el("div", el("dt", name), el("dd", value))));
const plain = (value) => (typeof value === "boolean" ? String(value) : isRecord(value) ? joined(Object.values(value), " ") : text(value ?? "–"));
const details = (title, value) => isRecord(value) && section(title, facts(...entries(value).map(([name, each]) => [words(name), plain(each)])));

const command = (said) => {
  const code = el("code", said);
  // The newer navigator.clipboard is closed to a page in a frame unless the host opens it.
  const copy = () => {
    getSelection().selectAllChildren(code);
    say(document.execCommand("copy") ? "Copied." : "Selected: copy it with your keyboard.");
  };
  return el("span.command", code, button("Copy", copy, said, `Copy ${said}`));
};
// Only for sentences that the server itself writes: a command in them can be copied.
const VALUE = String.raw`(?:'[^']*'|[^\s,;']+?)(?=[.,;]?(?:\s|$))`;
const COMMAND = new RegExp(String.raw`((?:posthog-cli(?: [a-z]+){1,2}|errtrack-mcp upload ${VALUE})(?: --[\w-]+(?:[ =](?!--)${VALUE})?)*)`);
const advice = (sentence) => text(sentence).split(COMMAND).map((piece, place) => (place % 2 ? command(piece) : piece.replace(/^[.,] ?/, "")));
const sentence = (said) => text(said).replace(/\.?$/, ". ");
const notes = (...sentences) => {
  const said = sentences.flat().filter((sentence) => text(sentence));
  return said.length > 0 && section("Notes", el("ul.notes", said.map((each) => el("li", advice(each)))));
};
