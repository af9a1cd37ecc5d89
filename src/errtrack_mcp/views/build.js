// What a state of a script means for its stack traces. One that is not here is shown, and judged neither way.
const OUTLOOKS = {
  good: "uploaded harmless there copy",
  bad: "no_map inline_map external_map map_outside empty_map bad_map not_injected not_registered shared_id upload_failed not_uploaded " +
    "failed other_release kept differs damaged_map shared_map marked_map other_injection",
};
const outlook = (state) => Object.keys(OUTLOOKS).find((kind) => OUTLOOKS[kind].split(" ").includes(state)) ?? "idle";

// Rows are made when a person opens them: a build may have thousands of scripts.
const scriptGroup = (state, scripts) => {
  const items = el("ul.rows");
  const more = () => {
    const begun = items.children.length;
    items.append(...scripts.slice(begun, begun + 100).map((script) => el("li", el("code", script.path), soft(script.rewritten === true && "Rewritten by the injection. ", script.detail, " ", script.chunk_id))));
    next.hidden = items.children.length >= scripts.length;
  };
  const next = button("Show more", more, state);
  const group = fold([el(`i.${outlook(state)}`), `${words(state)}: ${many(scripts.length, "script")}`], items, next);
  group.ontoggle = () => items.children.length || more();
  return group;
};

const buildView = (data) => {
  const groups = new Map();
  for (const script of records(data.scripts, 1e5)) {
    const state = text(script.state, 80);
    if (!groups.has(state)) groups.set(state, []);
    groups.get(state).push(script);
  }
  const parts = entries(data.states).map(([state, said]) => {
    const [, number, meaning] = /^(\d+): (.*)$/s.exec(text(said)) ?? ["", NaN, `${words(state)} ${text(said)}`];
    return [outlook(state), meaning, Number(number)];
  });
  const commands = list(data.commands);
  const isUpload = "uploaded" in data;
  const planned = data.confirm ? pill("idle", "Planned") : pill("warn", "Not finished");
  return {
    kind: "Build",
    title: isUpload ? "Upload of source maps" : "Stack traces of this build",
    mark: isUpload ? data.uploaded === true ? pill("good", "Uploaded") : planned : readable(data.readable),
    ask: isUpload ? "Explain this upload." : "What makes errors of this build readable in PostHog?",
    body: [
      el("p.lead", data.summary),
      parts.length > 0 && el("div.tall", bar(parts)),
      facts(["Kilobytes", data.size > 0 && count(Math.ceil(data.size / 1000))]),
      details("The position asked for", data.position),
      details("Release", data.release),
      commands.length > 0 && section("Commands", el("ul.steps", commands.map((each) => el("li", command(text(each, 4000)))))),
      groups.size > 0 && section("Scripts", [...groups].map(([state, scripts]) => scriptGroup(state, scripts))),
      notes(data.next_step, data.notes, data.left_out),
    ],
  };
};
