const comparedView = (data) => {
  const [older, newer] = [record(data.older), record(data.newer)];
  const [one, other] = [record(older.release), record(newer.release)];
  const lost = data.lost_symbol_sets;
  const side = (name, { release, ...counts }) => el("article", el("h2.kind", name), releaseBlock(record(release), counts));
  const row = (name) => {
    const key = name.toLowerCase();
    const [left, right] = [text(one[key] ?? older[key]), text(other[key] ?? newer[key])];
    const differs = list(data.differences).includes(key);
    return (left || right) && el(differs ? "tr.differs" : "tr", set(el("th", name, differs && [" ", pill("warn", "differs")]), { scope: "row" }), el("td", left || "–"), el("td", right || "–"));
  };
  const heads = ["Older", "Newer"].map((name) => set(el("th", name), { scope: "col" }));
  return {
    kind: "Two releases",
    title: `${text(one.version)} → ${text(other.version)}`,
    mark: Number.isFinite(lost) && (lost > 0 ? pill("bad", `${count(lost)} fewer with a file`) : pill("good", "None lost")),
    ask: isUuid(one.id) && isUuid(other.id) && `Did release ${other.id} lose source maps that release ${one.id} had in PostHog, and why?`,
    body: [
      el("p.lead", advice(data.verdict)),
      el("div.sides", side("Older", older), side("Newer", newer)),
      section("What differs", el("table", el("thead", el("tr", el("td"), heads)), el("tbody", ["Project", "Branch", "Commit", "Repository", "Build"].map(row)))),
      notes(data.not_seen, data.cannot_know),
    ],
  };
};
