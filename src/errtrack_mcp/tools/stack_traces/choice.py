"""Which of several files has the map of a frame that brings no id along. Pure.

A file may name the script that it was made for: that is what decides. What it does not decide is said, not guessed:
nearly every map knows nearly every position, so that a map of another script gives wrong places and no error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.builds.read_pair import common_end, path_parts
from errtrack_mcp.symbolication.places import LookUp
from errtrack_mcp.tools.stack_traces.frames import NoMap, WantedFrame

MAX_NAMED = 3
MAX_NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Candidate:
    """The file of a symbol set, in which every frame was looked up, or why that could not be done.

    `given` by the caller for this very trace, or one of many of a release.
    """

    ref: str
    looked_up: LookUp | NoMap
    given: bool = True

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of its script, as far as the file and the ref tell them."""
        address = (self.ref,) if "://" in self.ref else ()
        return address if isinstance(self.looked_up, NoMap) else (*self.looked_up.script_paths, *address)

    def shares(self, frame: WantedFrame) -> int:
        """Return how much of its path the script of a frame shares with this file's script; 0: it is another."""
        is_mapping = isinstance(self.looked_up, LookUp) and self.looked_up.kind == "proguard"
        if is_mapping or frame.is_java:
            return int(is_mapping and frame.is_java)
        wanted = path_parts(frame.url)
        return max((common_end(wanted, path_parts(path)) for path in self.paths), default=0)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The file that has the map of a frame, and why that is not certain, "" where it is."""

    candidate: Candidate
    doubt: str = ""


def choose(
    frames: Sequence[WantedFrame], candidates: Sequence[Candidate], *, all_seen: bool
) -> list[Chosen | NoMap | None]:
    """Choose for each frame the file with its map; None where none of them is.

    The number of a frame is its place in each look-up. `all_seen`: there are no further files that could be meant.
    """
    fitting = [_fitting(frame, candidates) for frame in frames]
    named = {candidate.ref for found in fitting for candidate in found}
    left = [each for each in candidates if each.ref not in named and (each.given or not each.paths)]
    scripts = {frame.script for frame, found in zip(frames, fitting, strict=True) if not found}
    may_be_last = len(left) == 1 and all_seen and (len(scripts) == 1 or len(candidates) == 1)
    rest: Chosen | NoMap | None = None
    if may_be_last:
        rest = Chosen(left[0], _doubt(left[0], several=len(scripts) > 1))
    elif left and all_seen:
        rest = _common_failure(left) or NoMap(
            "ambiguous", f"None of these symbol sets names its script: {_names(left)}."
        )
    return [_decided(number, found) if found else rest for number, found in enumerate(fitting)]


def _common_failure(candidates: Sequence[Candidate]) -> NoMap | None:
    """Return why none of the files could be looked into, where it is the same for all."""
    failures = [each.looked_up for each in candidates if isinstance(each.looked_up, NoMap)]
    alike = len(failures) == len(candidates) and len({failure.reason for failure in failures}) == 1
    return (
        NoMap(failures[0].reason, f"So for each symbol set that may have its map: {_names(candidates)}.")
        if alike
        else None
    )


def _fitting(frame: WantedFrame, candidates: Sequence[Candidate]) -> list[Candidate]:
    shared = [(candidate.shares(frame), candidate) for candidate in candidates]
    most = max((number for number, _ in shared), default=0)
    return [candidate for number, candidate in shared if number == most] if most else []


def _decided(number: int, found: list[Candidate]) -> Chosen | NoMap:
    """Choose among files of one name: the same build, uploaded twice, gives the same places."""
    places = {None if isinstance(each.looked_up, NoMap) else each.looked_up.originals[number] for each in found}
    if len(places) == 1:
        return Chosen(found[0])
    return NoMap("ambiguous", f"Several symbol sets are of a script with its name: {_names(found)}.")


def _doubt(chosen: Candidate, *, several: bool) -> str:
    """Say why a file that names none of the scripts may be the wrong one."""
    if isinstance(chosen.looked_up, NoMap):
        return ""
    if chosen.paths:
        return f"By its own name the file is of {clean(chosen.paths[0], MAX_NAME_LENGTH)}."
    if several:
        return "The file names no script, and the trace is of several."
    return "" if chosen.given else "The file names no script; it is the only one of its release that may be meant."


def _names(candidates: Sequence[Candidate]) -> str:
    shown = ", ".join(map(_name, candidates[:MAX_NAMED]))
    more = len(candidates) - MAX_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _name(candidate: Candidate) -> str:
    ref = clean(candidate.ref, MAX_NAME_LENGTH)
    return f"{ref} ({candidate.looked_up.reason})" if isinstance(candidate.looked_up, NoMap) else ref
