const ISSUE = "query-error-tracking-issue";
const EVENTS = "query-error-tracking-issue-events";
const DIAGNOSE_ISSUE = "error-tracking-issues-diagnose";
const RESOLVE = "error-tracking-stack-traces-resolve";

const placeOf = (frame) => joined([frame.source, frame.line, frame.column], ":");

// A frame of an event, a frame that was resolved, or a cause: the words for why it is minified come with it.
const frameRow = (frame, reasons = {}, code = []) => {
  const reason = text(frame.reason);
  const why = text(frame.failure) || joined([record(reasons)[reason] || reason, frame.detail], " ");
  // A reason at a place in source code says that the place may be wrong.
  const unsure = why && frame.deployed;
  const deployed = why && !unsure ? placeOf(frame) : frame.deployed;
  const [, lines = []] = code.findLast(([at]) => at.includes(`(${placeOf(frame)})`)) ?? [];
  const variables = entries(frame.code_variables);
  return el(frame.in_app === false ? "li.other" : "li",
    el("div.call", el("code", text(frame.function) || "<anonymous>"), frame.throw_site === true && pill("bad", "throws here"), why && pill("warn", unsure ? "unsure" : "minified")),
    el("div.pair", el("div", deployed && el("b", "Original"), why && !unsure ? why : el("code", placeOf(frame))), deployed && el("div", el("b", "Deployed"), el("code", deployed))),
    unsure && soft(why),
    lines.length > 0 && el("pre.code", lines.map(([, mark, number, line]) => el(mark === ">" ? "span.hit" : "span", el("i", number), el("span", line || " ")))),
    variables.length > 0 && fold(many(variables.length, "variable"), facts(...variables)));
};

// The throw site first. Runs of frames that are not the app's own are folded.
const stack = (frames, ...more) => {
  const items = [];
  let run = [];
  for (const frame of [...frames, null]) {
    if (frame && frame.in_app === false && frame.throw_site !== true) {
      run.push(frame);
      continue;
    }
    const folded = run.map((each) => frameRow(each, ...more));
    items.push(folded.length > 1 ? el("li", fold(`${folded.length} frames of dependencies`, el("ol.stack", folded))) : folded);
    run = [];
    if (frame) items.push(frameRow(frame, ...more));
  }
  return el("ol.stack", items);
};

const exceptionBlock = (exception) => {
  const left = (kind, number = exception[`${kind}_frames_left_out`]) => number > 0 && soft(many(number, `${kind} frame`), " not shown.");
  return [
    el("h3", joined([exception.type, exception.value], ": ")),
    stack(records(exception.frames).reverse()),
    left("library"),
    left("outer"),
  ];
};

// The source code around each place stands only in the text for people: "    at name (place)", then numbered lines.
const resolvedBlock = (data) => {
  const code = [];
  for (const line of text(data.stack_trace, 1e6).split("\n")) {
    const numbered = /^ {6}([> ]) +(\d+) \| ?(.*)$/.exec(line);
    if (numbered) code.at(-1)?.[1].push(numbered);
    else if (line.startsWith("    at ")) code.push([line, []]);
  }
  return [soft(data.summary), records(data.traces).map((trace) => [
    el("h3", trace.error),
    stack(records(trace.frames).map((frame, place) => ({ ...frame, throw_site: place === 0 })), data.reasons, code),
  ])];
};

const percent = (share) => `${Math.min(1, Math.max(0, share || 0)) * 99}%`;
// A name and something in words, a picture of the time, and how many occurrences it stands for.
const timeRow = (name, said, picture, { occurrences }) => el("li", el("span", el("b", name), " ", said), picture, el("span.soft", many(occurrences, "occurrence")));

// A bar for each bucket. All that they show is said in words too; nothing is drawn of what is not a count for each.
const barsRow = (detail, from, to) => {
  const bars = list(record(detail.occurrences_over_time).counts);
  const most = bars.every((number) => number >= 0 && Number.isFinite(number)) && Math.max(...bars);
  if (!(most > 0) || bars.length > 50) return "";
  const place = bars.indexOf(most);
  const start = (of) => when(from + of * (to - from) / bars.length);
  const said = el("span.soft", `Highest: ${count(most)}, ${bars.includes(most, place + 1) ? "first " : ""}from `, start(place), " to ", start(place + 1));
  const drawn = bars.map((number) => styled("idle", { flex: 1, height: number && `max(3px, ${percent(number / most)})` }));
  const label = `${many(detail.occurrences, "occurrence")}. ${said.textContent}. Bars: ${bars.map(count).join(", ")}`;
  return timeRow("All", said, set(el("div.bars", drawn), { role: "img", "aria-label": label }), detail);
};

const overTime = (detail) => {
  const [from, to] = [time(detail.date_from), time(detail.date_to)];
  const bars = barsRow(detail, from, to);
  const spans = records(detail.releases).map((release) => {
    const line = styled("good", { left: percent((time(release.first_seen) - from) / (to - from)), right: percent((to - time(release.last_seen)) / (to - from)) });
    return timeRow(release.version, el("span.soft", release.project), el("div.track", line), release);
  });
  return to > from && (bars || spans[0]) && section("Occurrences over time",
    el("ul.spans", bars, spans, el("li", el("span"), el("div.split.soft", when(from), when(to)))));
};

const causeRow = (cause) => el("li",
  heading(words(cause.kind), `${many(cause.frames, "frame")} in ${many(cause.events, "event")}`),
  el("p", el("code", cause.function, " ", placeOf(cause))),
  cause.now && el("p", el("b", "Now: "), cause.now),
  el("p.said", sentence(cause.meaning), advice(cause.remedy)),
  soft(cause.failure, cause.ref && [" Symbol set ", el("code", cause.ref)]));

const stackSection = (issue, add) => {
  const { id, events } = issue;
  const shown = records(events?.results);
  const event = shown[issue.place];
  const uuid = text(event?.uuid);
  const resolved = issue.resolved.get(uuid);
  const fetched = (tool, given) => async () => add(await call(tool, { issue_id: id, ...given }), uuid);
  const move = (by) => async () => {
    if (!shown[issue.place + by]) {
      const page = await call(EVENTS, { issue_id: id, frames: "all", offset: events.next_offset });
      Object.assign(events, { results: [...shown, ...records(page.results)], next_offset: page.next_offset });
    }
    issue.place = Math.min(issue.place + by, events.results.length - 1);
    add();
  };
  const older = shown[issue.place + 1] ? button("Older", move(1)) : events?.next_offset && asking("Older", move(1));
  return section("Stack trace",
    event && [
      split(soft(`Event ${issue.place + 1} of ${shown.length}${events.next_offset ? " or more" : ""}`), el("span.actions", issue.place > 0 && button("Newer", move(-1)), older)),
      facts(["When", when(event.timestamp)], ["Release", event.release], ["Browser", event.browser], ["System", event.os], ["Library", event.library], ["Page", event.url]),
    ],
    resolved ? resolvedBlock(resolved) : event && records(event.exceptions).map(exceptionBlock),
    !event && !resolved && isRecord(issue.detail?.top_app_frame) && [soft("The app's frame nearest to the newest error"), stack([issue.detail.top_app_frame])],
    events && !event && el("p", "No event listed."),
    id && el("p.actions",
      !events && asking("Show events", fetched(EVENTS, { frames: "all" })),
      !resolved && asking("Resolve stack trace", fetched(RESOLVE, uuid && { event_uuid: uuid })),
      !issue.diagnosis && asking("Why minified?", fetched(DIAGNOSE_ISSUE))));
};

// `issue` is what is known already. What a button fetches is added; a resolved stack is kept under its event's uuid.
const issueView = (data, again, show, issue = { place: 0, resolved: new Map() }, uuid = "") => {
  issue.id ||= text(data.issue_id ?? data.id);
  if (data.traces) issue.resolved.set(uuid, data);
  else issue[data.causes ? "diagnosis" : data.results ? "events" : "detail"] = data;
  const { detail = {}, diagnosis, events } = issue;
  const thrown = record(records(record(records(events?.results)[0]).exceptions)[0]);
  const [resolved] = issue.resolved.values();
  return {
    kind: "Issue",
    title: text(detail.name || thrown.type || records(resolved?.traces)[0]?.error) || "Minified frames",
    mark: detail.status ? pill("warn", detail.status) : readable((diagnosis ?? resolved)?.readable),
    ask: isUuid(issue.id) ? `What causes the PostHog issue ${issue.id}, and how do we fix it?` : "What does this stack trace say?",
    body: [
      el("p.lead", detail.description || thrown.value),
      issue.detail && facts(["Occurrences", count(detail.occurrences)], ["Users", count(detail.estimated_users)], ["Sessions", count(detail.estimated_sessions)],
        ["Severity", detail.severity], ["First seen", when(detail.first_seen)], ["Last seen", when(detail.last_seen)]),
      overTime(detail),
      stackSection(issue, (more = data, of = uuid) => show(more, issue, of)),
      diagnosis && section("Why frames are minified", el("p.lead", diagnosis.summary), rows(records(diagnosis.causes).map(causeRow))),
      notes(detail.hidden, detail.merged, events?.hidden, events?.left_out, diagnosis?.cannot_know),
    ],
  };
};
