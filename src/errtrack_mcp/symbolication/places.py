"""Positions in generated files, and where they come from: what passes between the server and its worker process."""

from dataclasses import dataclass, field
from typing import Literal

FileKind = Literal["javascript", "hermes", "proguard"]


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a generated file, both numbers counted from 1; in Java `function` is `package.Class.method`."""

    line: int
    column: int = 1
    function: str = ""


@dataclass(frozen=True, slots=True)
class Original:
    """Where a position comes from, as the map says it; `before` and `after` are the lines of source around `code`."""

    function: str
    source: str
    line: int
    column: int | None = None
    code: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LookUp:
    """What a file is, and the originals of each place asked for: none where the map does not know the place.

    A ProGuard mapping gives several where methods were inlined, the innermost first. `sources` counts the files that
    went into the build; `has_source_text` says whether the map holds the text of any of them. `chunk_id` is the one in
    the last line of the script. `script_paths` are the paths of the script that the file names, as the build had them.
    `beyond` are the numbers of the places, from 0, in lines that the script does not have.
    """

    kind: FileKind
    originals: tuple[tuple[Original, ...], ...]
    sources: int = 0
    has_source_text: bool = False
    chunk_id: str = ""
    script_paths: tuple[str, ...] = ()
    beyond: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What the worker is asked; the file's bytes follow, and those of the script for a `plain_map`."""

    places: tuple[Place, ...]
    lines_around: int
    file_bytes: int
    plain_map: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """The worker's answer: what was found, or why the file cannot be used."""

    found: LookUp | None = None
    unusable: str = field(default="")
