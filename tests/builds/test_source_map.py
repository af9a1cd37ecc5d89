"""What a source map maps, and what one costs that somebody made to be slow or large."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from errtrack_mcp.builds.source_map import MapState, look_into_map
from tests.support.memory import needs_proc

HOSTILE = pytest.mark.attack("hostile source maps")
MAP = json.dumps({"version": 3, "sources": ["a.ts"], "names": [], "mappings": "AAAA"})
MAPS = {
    "sections of numbers": (b'{"sections":[', b"0,", b"0]}", MapState.NOT_A_MAP),
    "sources of numbers": (b'{"sources":[', b"0,", b"0]}", MapState.TOO_LARGE),
    "sources of lists": (b'{"sources":[', b"[],", b"0]}", MapState.TOO_LARGE),
    "nested lists": (b'{"x":', b"[", b"", MapState.NOT_A_MAP),
    "nested sections": (b'{"sections":[', b'{"map":{"sections":[', b"", MapState.NOT_A_MAP),
    "one string": (b'{"mappings":"', b"A", b'","sources":["a"]}', MapState.PRESENT),
    "one string of escapes": (b'{"mappings":"', b"\\u0041", b'","sources":["a"]}', MapState.PRESENT),
    "one number": (b'{"x":', b"1", b"}", MapState.EMPTY),
    "one key": (b'{"', b"k", b'":1}', MapState.EMPTY),
    "blanks": (b"{", b" ", b"}", MapState.EMPTY),
}
# getrusage would begin with the peak of the process that started this one.
MEASURE = r"""
import re, sys, time
from pathlib import Path
from errtrack_mcp.builds.source_map import look_into_map
def peak():
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
before = peak()
begun = time.perf_counter()
state = look_into_map(Path(sys.argv[1]))
print(state.name, time.perf_counter() - begun, (peak() - before) >> 10)
"""


@HOSTILE
@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("name", MAPS)
def test_the_largest_hostile_map_is_bounded_in_time_and_memory(tmp_path: Path, name: str) -> None:
    """128 MB of it take seconds and some ten megabytes; the answer says what it is."""
    start, repeated, end, state = MAPS[name]
    path = tmp_path / "a.js.map"
    room = (128 << 20) - len(start) - len(end)
    with path.open("wb") as file:
        file.write(start + repeated * (room // len(repeated)) + end)
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    path.unlink()
    found, seconds, megabytes = done.stdout.split()
    assert found == state.name
    assert float(seconds) < 10
    assert int(megabytes) < 64


def test_a_map_in_a_section_counts(tmp_path: Path) -> None:
    """An index map holds its maps in sections, also in sections of sections."""
    path = tmp_path / "a.js.map"
    inner = '{"mappings": "AAAA", "sources": ["a.ts"]}'
    path.write_text(f'{{"sections": [{{"map": {{"mappings": ""}}}}, {{"map": {inner}}}]}}')
    assert look_into_map(path) is MapState.PRESENT
    path.write_text(f'{{"sections": [{{"map": {{"sections": [{{"map": {inner}}}]}}}}]}}')
    assert look_into_map(path) is MapState.PRESENT


def test_mappings_of_one_section_and_sources_of_another_map_nothing(tmp_path: Path) -> None:
    """Each map needs both."""
    path = tmp_path / "a.js.map"
    path.write_text('{"sections": [{"map": {"mappings": "AAAA"}}, {"map": {"sources": ["a.ts"]}}]}')
    assert look_into_map(path) is MapState.EMPTY


@HOSTILE
def test_a_map_is_not_read_beyond_the_deadline(tmp_path: Path) -> None:
    """Its time is over before it begins: it counts as too large."""
    path = tmp_path / "a.js.map"
    path.write_text('{"sources": ["a.ts"], "mappings": "AAAA"}')
    assert look_into_map(path, deadline=0.0) is MapState.TOO_LARGE


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (MAP, MapState.PRESENT),
        ("<html>not found</html>", MapState.NOT_JSON),
        ("", MapState.NOT_JSON),
        (MAP[:-5], MapState.NOT_JSON),
        ("[" * 100_000, MapState.NOT_A_MAP),
        ("[]", MapState.NOT_A_MAP),
        ('{"mappings": 7}', MapState.NOT_A_MAP),
        ("{}", MapState.EMPTY),
        ('{"version":3,"sources":[],"mappings":""}', MapState.EMPTY),
        ('{"version":3,"sources":[],"mappings":"AAAA"}', MapState.EMPTY),
        (f'{{"version":3,"sections":[{{"offset":{{"line":0,"column":0}},"map":{MAP}}}]}}', MapState.PRESENT),
        ('{"version":3,"sections":[]}', MapState.EMPTY),
    ],
)
def test_a_map_must_map_something(tmp_path: Path, content: str, state: MapState) -> None:
    """A file that is no JSON, no map, or a map of nothing is told apart from one that helps."""
    (tmp_path / "a.js.map").write_text(content)
    assert look_into_map(tmp_path / "a.js.map") is state


def test_a_map_beyond_the_bound_is_not_read(tmp_path: Path) -> None:
    """128 MB is what is read at most; a sparse file stands for a larger one."""
    with (tmp_path / "a.js.map").open("wb") as file:
        file.truncate((128 << 20) + 1)
    assert look_into_map(tmp_path / "a.js.map") is MapState.TOO_LARGE
