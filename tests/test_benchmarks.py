"""The benchmark itself: what its verdict rests on."""

import json
from pathlib import Path

from benchmarks.large_map import large_build
from benchmarks.report import Limit
from benchmarks.samples import Samples, in_turns, ratios
from benchmarks.sizes import NINE
from symbolic.sourcemapcache import SourceMapCache

OPENAPI = Path(__file__).parent.parent / "benchmarks" / "openapi.json"


def test_a_limit_is_kept_up_to_and_including_itself() -> None:
    """One that is missed fails the run."""
    assert Limit("a call", 1.15, 1.15).kept
    assert not Limit("a call", 1.16, 1.15).kept
    assert Limit("calls a second", 0.9, 0.9, at_least=True).kept
    assert not Limit("calls a second", 0.89, 0.9, at_least=True).kept


def test_noise_brings_more_rounds() -> None:
    """A quiet machine is measured as often as asked for, a noisy one as often as allowed."""
    steady = in_turns(["a", "b"], lambda _: 1.0, rounds=8, most=20)
    assert [len(samples.values) for samples in steady.values()] == [8, 8]
    readings = iter([1.0, 5.0] * 20)
    noisy = in_turns(["a"], lambda _: next(readings), rounds=8, most=20)
    assert len(noisy["a"].values) == 20


def test_sides_take_turns() -> None:
    """Each round measures every side once, another one first."""
    order: list[str] = []

    def sample(side: str) -> float:
        order.append(side)
        return 1.0

    in_turns(["a", "b"], sample, rounds=2, most=2)
    assert order == ["a", "b", "b", "a"]


def test_a_slow_hour_does_not_change_a_ratio() -> None:
    """Both sides slow down together; round by round the one still takes half as long as the other."""
    assert ratios(Samples([1.0, 1.0, 5.0]), Samples([2.0, 2.0, 10.0])).median == 0.5


def test_the_generated_peer_has_the_same_nine_calls() -> None:
    """The document that it is generated from names our tools."""
    paths = json.loads(OPENAPI.read_text())["paths"]
    assert {operation["operationId"] for path in paths.values() for operation in path.values()} == set(NINE)


def test_the_large_map_is_a_real_one_and_always_the_same() -> None:
    """Each function leads to the first line of its module, and the size is about what was asked for."""
    build = large_build(300_000)
    assert build == large_build(300_000)
    assert abs(len(build.source_map) - 300_000) < 30_000
    cache = SourceMapCache.from_bytes(build.script, build.source_map)
    for number, column in enumerate(build.columns):
        place = cache.lookup(1, column, 0)
        assert place is not None
        assert (place.src, place.line) == (f"src/module{number:05}.ts", 1)
        assert (
            place.context_line or ""
        ).rstrip() == f"  const value0 = input[0] * factor{number}; // of module {number}"
