const DIAGNOSE = "error-tracking-symbol-sets-diagnose";

const isCounted = (counts) => Number.isFinite(counts.symbol_sets);
const bars = (counts) => {
  if (!isCounted(counts)) return soft("Symbol sets not counted.");
  if (!counts.symbol_sets) return soft("No symbol set.");
  return bar([["good", "complete", counts.complete], ["idle", "never loaded", counts.never_loaded], ["bad", "without a file", counts.no_file]]);
};

// The name of a release with its symbol sets; "Why?" asks for their diagnosis and shows it below.
const releaseBlock = (release, counts = release) => {
  const answer = set(el("div.answer"), { role: "status" });
  const why = async () => {
    const found = await call(DIAGNOSE, { release_id: release.id });
    answer.replaceChildren(el("div", soft(found.summary), causesOf(found)));
  };
  return [
    split(el("h3", release.version, " ", el("span.soft", release.project)), isUuid(release.id) && asking("Why?", why, release.id, `Why? ${text(release.version)}`)),
    soft(when(release.created_at)), bars(counts), answer,
  ];
};

const failureRow = (group) => el("li",
  heading(group.failure, many(group.symbol_sets, "symbol set")),
  el("p.said", sentence(group.meaning), advice(group.remedy)),
  soft(group.failure_reason, " ", entries(group.statuses).map(([status, number]) => `${count(number)} with ${status}. `), "For example ", el("code", group.ref)));

const causesOf = (data) => {
  const steps = list(data.next_steps).map((step) => el("li", advice(step)));
  const failures = records(data.failures).map(failureRow);
  return [
    steps.length > 0 && section("What to do", few((items) => el("ul.steps", items), steps, "step")),
    failures.length > 0 && section("Why they have no file", few(rows, failures, "reason")),
  ];
};

const healthView = (data, again) => {
  const releases = records(data.newest_releases ?? data.results);
  const older = data.results && data.next_offset;
  return {
    kind: data.symbol_set ? "Symbol set" : "Symbol sets",
    title: data.results ? "Releases and their symbol sets" : "Symbolication health",
    mark: readable(data.readable),
    ask: "How readable are our stack traces in PostHog, and what should we do first?",
    body: [
      el("p.lead", data.summary),
      isCounted(data) && [el("div.tall", bars(data)), facts(["Bound to no release", count(data.unbound)], ["Removed soon by retention", count(data.expiring)])],
      details("This symbol set", data.symbol_set),
      details("Its file", data.file),
      data.results && releases.some((release) => !isCounted(release)) && asking("Count symbol sets", () => again({ counts: true })),
      releases.length > 0 && section("Newest releases", rows(releases.map((release) => el("li", releaseBlock(release))))),
      data.results && !releases.length && el("p", "There is no release."),
      causesOf(data),
      notes(data.not_seen, data.left_out, data.cannot_know, older ? "There are older releases." : ""),
    ],
  };
};
