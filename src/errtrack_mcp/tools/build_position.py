"""One position in a script of a local build, and where it comes from. Never with source code."""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from errtrack_mcp.api.models import ToolOutput
from errtrack_mcp.api.sanitize import clean, quoted
from errtrack_mcp.builds.directory import Bundle
from errtrack_mcp.builds.read_pair import script_of
from errtrack_mcp.symbolication.places import Place
from errtrack_mcp.symbolication.process import GET_IT, is_installed
from errtrack_mcp.tools.refusal import Refusal
from errtrack_mcp.tools.stack_traces.frames import MEANINGS, NO_SUCH_LINE, NoMap, cleaned
from errtrack_mcp.tools.stack_traces.sources import LocalScript

MAX_NAMED = 3

Script = Annotated[str, Field(max_length=4096, description="Path or address in which to look line and column up")]


class BuildPosition(ToolOutput):
    """Where a position in a script of the build comes from, or why that is not known."""

    script: Annotated[str, Field(description="The script in which it was looked up")]
    known: Annotated[bool | None, Field(description="null: could not tell")]
    problem: str = ""
    function: str = ""
    source: str = ""
    line: int = 0
    column: int | None = None


class Wanted(NamedTuple):
    """A position that is asked for: `script` is a path in the build, or an address that ends like one."""

    script: str
    place: Place


def wanted_position(script: str, line: int | None, column: int | None) -> Wanted | None:
    """Return what the arguments of a call ask for. Raises Refusal for those that do not go together."""
    given = (bool(script), line is not None, column is not None)
    if any(given) and not all(given):
        raise Refusal("invalid_arguments", "script, line and column go together. Nothing was read.")
    return Wanted(script, Place(line, column)) if line and column else None


async def find_position(wanted: Wanted, directory: Path, root: Path, bundles: list[Bundle]) -> BuildPosition:
    """Look a position up in the map of its script. Raises Refusal where it is not clear which script is meant."""
    bundle = _script(wanted.script, bundles)
    path = clean(bundle.path)
    if not is_installed():
        return BuildPosition(script=path, known=None, problem=f"Looking it up needs an extra: {GET_IT}.")
    try:
        found = await LocalScript(directory, root, bundle).look_up([wanted.place])
    except NoMap as error:
        return BuildPosition(script=path, known=None, problem=str(error))
    if not found.originals[0]:
        problem = NO_SUCH_LINE if found.beyond else MEANINGS["map_does_not_fit"]
        return BuildPosition(script=path, known=False, problem=problem)
    original = cleaned(found.originals[0][0])
    named: dict[str, Any] = {"function": original.function} if original.function else {}
    return BuildPosition(
        script=path, known=True, **named, source=original.source, line=original.line, column=original.column
    )


def _script(name: str, bundles: list[Bundle]) -> Bundle:
    found = [bundle for bundle in bundles if bundle.path == name] or script_of(name, "", bundles)
    if not found:
        raise Refusal("not_found", f"No script of the build has a path that ends like {quoted(name, 120)}.")
    if len(found) > 1:
        names = ", ".join(quoted(bundle.path, 120) for bundle in found[:MAX_NAMED])
        raise Refusal("invalid_arguments", f"{quoted(name, 120)} may be {names}: give the path below the directory.")
    return found[0]
