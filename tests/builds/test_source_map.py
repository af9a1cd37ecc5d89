"""A source map that somebody made to be slow or large costs little."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from errtrack_mcp.builds.source_map import MapState, look_into_map

MAPS = {
    "sections of numbers": (b'{"sections":[', b"0,", b"0]}", MapState.NOT_A_MAP),
    "sources of numbers": (b'{"sources":[', b"0,", b"0]}", MapState.TOO_LARGE),
    "sources of lists": (b'{"sources":[', b"[],", b"0]}", MapState.TOO_LARGE),
    "nested lists": (b'{"x":', b"[", b"", MapState.NOT_A_MAP),
    "nested sections": (b'{"sections":[', b'{"map":{"sections":[', b"", MapState.NOT_A_MAP),
}
MEASURE = """
import resource, sys
from pathlib import Path
from errtrack_mcp.builds.source_map import look_into_map
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
look_into_map(Path(sys.argv[1]))
unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kilobytes
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit >> 20)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", MAPS)
def test_the_largest_hostile_map_is_bounded_in_time_and_memory(tmp_path: Path, name: str) -> None:
    """128 MB of it take seconds and some ten megabytes; the answer says what it is."""
    start, repeated, end, state = MAPS[name]
    path = tmp_path / "a.js.map"
    room = (128 << 20) - len(start) - len(end)
    with path.open("wb") as file:
        file.write(start + repeated * (room // len(repeated)) + end)
    began = time.perf_counter()
    assert look_into_map(path) is state
    assert time.perf_counter() - began < 10
    measured = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    assert int(measured.stdout) < 64


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
