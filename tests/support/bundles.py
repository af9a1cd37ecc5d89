"""Real bundles of five bundlers from npm, as they were built and after an injection, and what Node says of them."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from errtrack_mcp.builds.directory import BuildDirectory
from errtrack_mcp.builds.uploadable import Binding, Pair, Skipped, examine, rewrite, settle
from errtrack_mcp.symbolication.containers import Container, Kind
from errtrack_mcp.symbolication.lookup import look_up
from errtrack_mcp.symbolication.places import Place
from tests.support.installed import environment
from tests.support.npm import CLIENTS, run_node, runtime

BUNDLERS = ("esbuild", "rollup", "vite", "webpack", "rspack")
APP = CLIENTS / "bundled_app"
_FRAME = re.compile(r"(?:\(|at )(?:file://)?(/[^\s()]+):([0-9]+):([0-9]+)\)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Frame:
    """A position in a script, both numbers counted from 1."""

    script: Path
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Run:
    """What a script did in Node: its output, its exit code, the frames of the error that it printed.

    `ids` are the chunk ids by the text of a stack, as the code at the top of scripts left them.
    """

    output: str
    exit_code: int
    frames: tuple[Frame, ...]
    ids: dict[str, str]
    release: str


@dataclass(slots=True)
class Build:
    """The same bundles twice: in `before` as they were built, in `after` injected; `pairs` tells what was injected."""

    before: Path
    after: Path
    pairs: dict[str, Pair] = field(default_factory=dict)

    def maps(self) -> list[str]:
        """Return the paths of the maps, relative to both folders."""
        return sorted(str(path.relative_to(self.before)) for path in self.before.rglob("*.map"))

    def programs(self) -> list[str]:
        """Return the paths of the scripts that Node can be started with, relative to both folders."""
        return sorted(str(path.relative_to(self.before)) for path in self.before.rglob("main.*js"))


def copy_app(project: Path) -> None:
    """Copy the app of tests/clients/bundled_app twice, with both kinds of line ends."""
    project.mkdir(parents=True)
    shutil.copytree(APP, project / "lf")
    shutil.copytree(APP, project / "crlf")
    for file in (project / "crlf").iterdir():
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))


def build(bundler: str, project: Path) -> Path:
    """Bundle the app of tests/clients/bundled_app in the ways of one bundler, and return the folder of the bundles.

    What has a hidden map loses the line break at its end.
    """
    copy_app(project)
    done = run_node(CLIENTS / "build_bundles.mjs", bundler, str(project))
    assert done.returncode == 0, done.stderr
    for script in (project / "out").rglob("*.*js"):
        if b"//# sourceMappingURL=" not in script.read_bytes():
            script.write_bytes(script.read_bytes().rstrip(b"\r\n"))
    return project / "out"


def concatenate(first: Path, second: Path, out: Path, *, joined_by: str) -> None:
    """Write one script of two to `out`, with an index map."""
    out.parent.mkdir(parents=True)
    head, tail = (script.read_bytes().decode().partition("\n//# sourceMappingURL=")[0] for script in (first, second))
    head += joined_by
    out.write_bytes((head + tail).encode())
    last_line = head.rpartition("\n")[2]
    offset = {"line": head.count("\n"), "column": len(last_line.encode("utf-16-le")) // 2}
    maps = [json.loads(Path(f"{script}.map").read_text()) for script in (first, second)]
    sections = [{"offset": {"line": 0, "column": 0}, "map": maps[0]}, {"offset": offset, "map": maps[1]}]
    Path(f"{out}.map").write_text(json.dumps({"version": 3, "sections": sections}))


def examined(folder: Path, binding: Binding) -> list[Pair | Skipped]:
    """Examine the bundles in a folder."""
    root = folder.resolve()
    return settle(examine(bundle, root, root, binding) for bundle in BuildDirectory(root, root).bundles())


def inject(folder: Path, binding: Binding) -> dict[str, Pair]:
    """Inject what needs it, and return it by its path."""
    pairs = {}
    for pair in examined(folder, binding):
        assert isinstance(pair, Pair), pair
        if pair.rewritten:
            new = rewrite(pair, pair.script.read_bytes(), pair.source_map.read_bytes(), binding)
            pair.script.write_bytes(new.script)
            pair.source_map.write_bytes(new.source_map)
            pairs[pair.path] = pair
    return pairs


def run(script: Path) -> Run:
    """Run a script in Node to its end."""
    done = subprocess.run(
        [runtime(), "--require", str(CLIENTS / "report_chunk_ids.cjs"), str(script)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment(),
        timeout=60,
        check=False,
    )
    output, _, last = done.stdout.rstrip("\n").rpartition("\n")
    left: dict[str, Any] = json.loads(last)
    frames = tuple(Frame(Path(file), int(line), int(column)) for file, line, column in _FRAME.findall(done.stderr))
    return Run(output, done.returncode, frames, left["ids"], left["release"])


def sources(frames: tuple[Frame, ...], folder: Path) -> list[tuple[str, int, str]]:
    """Look frames up, as the resolve tool does: for those in scripts of a folder, file, line and its text."""
    found = []
    for frame in frames:
        if frame.script.is_relative_to(folder):
            source_map = Path(f"{frame.script}.map").read_bytes()
            container = Container(Kind.JAVASCRIPT, script=frame.script.read_bytes(), mapping=source_map)
            [places] = look_up(container, [Place(frame.line, frame.column)], 0).originals
            found += [(Path(place.source).name, place.line, place.code) for place in places]
    return found


def run_in_page(scripts: Iterable[Path]) -> Any:
    """Run classic scripts where there is a window and no Node."""
    done = run_node(CLIENTS / "run_in_page.mjs", *map(str, scripts))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def mappings(maps: Iterable[Path]) -> list[list[list[Any]]]:
    """Return the mappings of maps: line and column from 0, source, its line and column, name."""
    done = run_node(CLIENTS / "mappings.mjs", *map(str, maps))
    assert done.returncode == 0, done.stderr
    found: list[list[list[Any]]] = json.loads(done.stdout)
    return found
