"""Measure, print, write docs/benchmarks.md; exit with 1 where a limit is missed."""

import sys
from collections.abc import Mapping

from benchmarks.report import PAGE, Limit, limits_table, number, samples_table, table, write_page
from benchmarks.samples import Samples, ratios
from benchmarks.sides import COLLECTIONS, FLOOR, GENERATED, OURS, ROLLBAR, SENTRY, forwarding, others, ours
from benchmarks.sizes import (
    ASKED_FOR,
    measure_definitions,
    measure_large_answers,
    measure_pages,
    nine,
)
from benchmarks.stack_traces import FRAMES, SCRIPT, WITHOUT_START, measure_resolving
from benchmarks.times import UPSTREAM, Starts, measure_calls, measure_calls_at_once, measure_starts
from benchmarks.uploads import BARE, CHUNKS, INJECTING, measure_uploads
from benchmarks.upstream import LARGE, ORDINARY, upstream

SIDES = [OURS, FLOOR, GENERATED, SENTRY, ROLLBAR]
FOUND = {"releases": "releases made by PostHog's CLI", "symbol_sets": "symbol sets"}


def main() -> int:
    """Run everything; returns the exit code."""
    limits: list[Limit] = []
    tables: dict[str, str] = {}
    with upstream(*ORDINARY) as url:
        _time(url, limits, tables)
        _count_definitions(url, limits, tables)
        _count_pages(url, limits, tables)
        _say("Resolving a stack trace in a large map ...")
        _resolve(url, limits, tables)
        _say(f"Uploading {CHUNKS:,} files, and builds of 1 to 100 MB ...")
        _upload(url, limits, tables)
    _say(f"Answers in a project of {LARGE[0]:,} symbol sets ...")
    with upstream(*LARGE) as url:
        _count_large_answers(url, limits, tables)
    for title, text in tables.items():
        print(f"\n{title}\n\n{text}")
    print(f"\nAgainst the limits\n\n{limits_table(limits)}\n")
    write_page(limits, tables)
    missed = [limit.figure for limit in limits if not limit.kept]
    print(f"Written to {PAGE.name}. " + (f"Missed: {'; '.join(missed)}." if missed else "Every limit is kept."))
    return 1 if missed else 0


def _time(url: str, limits: list[Limit], tables: dict[str, str]) -> None:
    sides = forwarding(url)
    _say("Starting each side, in turns ...")
    starts = measure_starts([*sides, *others()], rounds=15, most=20)
    _say("Calling, one at a time ...")
    calls = {limit: measure_calls(sides, url, limit, rounds=150, most=400) for limit in (5, 100)}
    _say("Calling, 300 in flight ...")
    at_once = measure_calls_at_once(sides, rounds=12, most=16)
    limits += [
        _ratio("spawn to the answer to tools/list, all tools on", starts.listed, 0.95),
        *(_ratio(f"a call of symbol-sets-list, limit {limit}", samples, 1.15) for limit, samples in calls.items()),
        _ratio("calls a second, 300 in flight", at_once, 0.9, at_least=True),
        _memory(starts),
    ]
    figures = {
        "spawn to initialize, ms": starts.initialized,
        "spawn to tools/list, ms": starts.listed,
        "peak memory after both, MB": starts.memory,
        **{f"a call, limit {limit}, ms": samples for limit, samples in calls.items()},
        "calls/s, 300 in flight": at_once,
    }
    tables["Times and memory"] = samples_table(figures, [*SIDES, UPSTREAM])


def _count_definitions(url: str, limits: list[Limit], tables: dict[str, str]) -> None:
    sides = forwarding(url)
    the_nine = measure_definitions(nine(url))
    without_panel = measure_definitions(nine(url, ERRTRACK_PANELS="0"))  # which has a limit of its own, in the tests
    everything = measure_definitions(ours(url))  # as the nine, with a project to choose
    rows = {
        f"{OURS}, the nine": the_nine,
        f"{OURS}, the nine without the panel": without_panel,
        f"{OURS}, all tools": everything,
    }
    rows |= {side.name: measure_definitions(side) for side in (*sides[2:], *others())}
    limits += [
        Limit("tools/list of the nine tools without the panel, as received", without_panel.size / 1000, 14, "KB"),
        Limit(
            "a definition of the nine without its output schema",
            the_nine.tokens_without_output / the_nine.tools,
            230,
            "tokens",
        ),
        Limit("a definition, all tools on", everything.size / everything.tools / 1000, 2.2, "KB"),
    ]
    tables["Definitions"] = table(
        ["tools/list", "tools", "bytes as received", "tokens without output schemas", "tokens a tool"],
        [
            [
                name,
                str(d.tools),
                number(d.size),
                number(d.tokens_without_output),
                number(d.tokens_without_output / d.tools),
            ]
            for name, d in rows.items()
        ],
    )


def _count_pages(url: str, limits: list[Limit], tables: dict[str, str]) -> None:
    pages = measure_pages(url)
    for collection, page in pages.items():
        larger = max(page.structured, page.text)
        limits.append(Limit(f"a page of 100 {FOUND[collection]}, against the raw answer", larger / page.raw, 0.5))
    tables["A page of 100, in bytes"] = table(
        ["page of", "raw answer of the API", "structured half", "text half"],
        [[FOUND[name], number(p.raw), number(p.structured), number(p.text)] for name, p in pages.items()],
    )


def _count_large_answers(url: str, limits: list[Limit], tables: dict[str, str]) -> None:
    large = measure_large_answers(url)
    says = "says what was left out" if large.says_what_is_left_out else "does not say what was left out"
    asked = large.less if large.says_what_is_left_out else float("inf")
    limits += [
        Limit("the largest answer at default arguments", max(large.by_tool.values()), 25_000, "tokens"),
        Limit(f"an answer with max_tokens={ASKED_FOR}", asked, ASKED_FOR, "tokens", remark=says),
    ]
    tables[f"Answers at default arguments, {LARGE[0]:,} symbol sets with refs of {LARGE[1]:,} bytes"] = table(
        ["tool", "tokens"],
        [
            *([name, number(count)] for name, count in large.by_tool.items()),
            [f"{COLLECTIONS['symbol_sets']}, max_tokens={ASKED_FOR}", number(large.less)],
            ["the same, detail=full: never less than one row", number(large.less_in_full)],
            ["the API's own default page, raw", number(large.raw)],
        ],
    )


def _resolve(url: str, limits: list[Limit], tables: dict[str, str]) -> None:
    resolving = measure_resolving(url, rounds=20, most=40)
    figure = f"a stack trace of {FRAMES} frames resolved in a map of 3 MB"
    limits += [
        _ratio(figure, resolving.times, 1.3, next_to=SCRIPT),
        Limit("memory after that, above before", resolving.grown, 20, "MB"),
    ]
    tables["A stack trace in a map of 3 MB, downloaded each time"] = samples_table(
        {f"{FRAMES} frames, ms": resolving.times}, [OURS, SCRIPT, WITHOUT_START]
    )


def _upload(url: str, limits: list[Limit], tables: dict[str, str]) -> None:
    uploading = measure_uploads(url, rounds=5)
    small, *_, large = uploading.per_mb.values()
    limits += [
        _ratio(f"{CHUNKS:,} files of 50 KB, injected before, uploaded", uploading.times, 1.2, next_to=BARE),
        Limit("peak memory while 100 MB are injected and uploaded, above idle", uploading.risen, 150, "MB"),
        Limit("time for each MB of a build of 100 MB", large / small, 1.2, "of that of 1 MB"),
    ]
    tables["Uploads"] = samples_table({f"{CHUNKS:,} files of 50 KB, ms": uploading.times}, [OURS, BARE, INJECTING])
    rows = [[str(size), number(took)] for size, took in uploading.per_mb.items()]
    tables["Injected and uploaded, by the size of the build"] = table(["MB", "ms for each MB"], rows)


def _ratio(
    figure: str, samples: Mapping[str, Samples], limit: float, *, next_to: str = FLOOR, at_least: bool = False
) -> Limit:
    ours, floor = samples[OURS], samples[next_to]
    best = max(ours.values) / max(floor.values) if at_least else ours.least / floor.least
    rounds = ratios(ours, floor)
    low, high = rounds.middle_half
    medians = ours.median / floor.median
    remark = f"half of the rounds {low:.2f} to {high:.2f}; by medians {medians:.2f}, by the best {best:.2f}"
    return Limit(figure, rounds.median, limit, f"of the {next_to}", at_least=at_least, remark=remark)


def _memory(starts: Starts) -> Limit:
    ours, floor = starts.memory[OURS].median, starts.memory[FLOOR].median
    return Limit("peak memory, idle after start, above the floor", ours - floor, 10, "MB", remark=f"{number(ours)} MB")


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
