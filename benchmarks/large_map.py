"""A large build, made the same way each time: many small modules on one line of script, and the map of it."""

import json
from dataclasses import dataclass

LINES = 40  # of source code in each module
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@dataclass(frozen=True)
class LargeBuild:
    """A script and its map; `columns` are those of the functions that throw, one for each module, from 1."""

    script: bytes
    source_map: bytes
    columns: list[int]

    def container(self, ref: str) -> bytes:
        """Return the file that PostHog's CLI would upload for the chunk `ref`: version 2, not compressed."""
        header = b"posthog_error_tracking" + (2).to_bytes(4, "little") * 2 + b"\0"
        parts = (self.script + f"\n//# chunkId={ref}".encode(), self.source_map)
        return header + b"".join(len(part).to_bytes(8, "little") + part for part in parts)

    def columns_of(self, frames: int) -> list[int]:
        """Return the columns of that many functions, spread over the script."""
        return self.columns[:: len(self.columns) // frames][:frames]

    def trace(self, frames: int) -> str:
        """Return a stack trace of these functions, as Chrome prints it."""
        places = [f"    at f (https://shop.example/app.js:1:{column})" for column in self.columns_of(frames)]
        return "\n".join(["Error: made up", *places])


def large_build(size: int) -> LargeBuild:
    """Make a build whose map has about `size` bytes."""
    sample = _build(100)
    return _build(round(100 * size / len(sample.source_map)))


def _build(modules: int) -> LargeBuild:
    sources, texts, script, columns = [], [], [], []
    segments: list[str] = []
    at, mapped, source, line, column = 0, 0, 0, 0, 0
    for number in range(modules):
        sources.append(f"src/module{number:05}.ts")
        texts.append("\n".join(_line(number, index) for index in range(LINES)) + "\n")
        piece = f"function f{number}(a,b){{return " + "+".join(f"a[{index}]*b" for index in range(LINES)) + "}"
        columns.append(at + 1)
        for index in range(LINES):
            to = at + (len(piece) * index) // LINES
            here = (to - mapped, number - source, index - line, 2 - column)
            segments.append("".join(map(_vlq, here)))
            mapped, source, line, column = to, number, index, 2
        script.append(piece)
        at += len(piece)
    whole = {"version": 3, "sources": sources, "sourcesContent": texts, "names": [], "mappings": ",".join(segments)}
    return LargeBuild("".join(script).encode(), json.dumps(whole, separators=(",", ":")).encode(), columns)


def _line(module: int, index: int) -> str:
    return f"  const value{index} = input[{index}] * factor{module}; // of module {module}"


def _vlq(value: int) -> str:
    """Write a number as source maps do: six bits a digit, the sign in the lowest."""
    rest = (-value << 1) | 1 if value < 0 else value << 1
    digits = ""
    while True:
        rest, digit = rest >> 5, rest & 31
        digits += _DIGITS[digit | (32 if rest else 0)]
        if not rest:
            return digits
