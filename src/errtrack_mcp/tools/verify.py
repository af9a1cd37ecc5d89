"""What the file of one symbol set settles about its diagnosis. Never with source code."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.models import ToolOutput
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.symbolication.places import FileKind, LookUp, Place
from errtrack_mcp.symbolication.process import GET_IT, is_installed
from errtrack_mcp.tools import advice
from errtrack_mcp.tools.failure_reasons import INJECT_AND_UPLOAD, UPLOAD_ALONE
from errtrack_mcp.tools.refusal import Refusal
from errtrack_mcp.tools.symbol_set_file import NoLookUp, look_up_in
from errtrack_mcp.tools.symbol_sets import SymbolSet

NOT_INSTALLED = f"What is in the file: to look into it this server needs an extra ({GET_IT})."
UPLOAD_AGAIN = f"Upload the build again: {UPLOAD_ALONE}."
ONE_BUILD = f"Upload and deploy the files of one build: {INJECT_AND_UPLOAD}, then deploy these files."
_NAMES: dict[FileKind, str] = {
    "javascript": "a source map",
    "hermes": "a Hermes source map",
    "proguard": "a ProGuard mapping",
}


class FileFacts(ToolOutput):
    """What is in the file of a symbol set; what was not asked for, or cannot be told, is left out."""

    upload_finished: Annotated[bool | None, Field(description="null: could not tell")]
    problem: Annotated[str, Field(description="Why it was not looked into")] = ""
    kind: FileKind = "javascript"
    sources: Annotated[int, Field(description="Files that went into the build")] = 0
    has_source_text: bool = False
    chunk_id: Annotated[str, Field(description="In the last line of its script")] = ""
    chunk_id_is_ref: bool = False
    knows_position: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a diagnosis says of one symbol set."""

    readable: bool | None
    summary: str
    next_steps: list[str]
    cannot_know: list[str]


@dataclass(frozen=True, slots=True)
class Verification:
    """That the file is looked into, and for which position, if any."""

    place: Place | None


def verification_of(ref: str, line: int | None, column: int | None, *, verify: bool) -> Verification | None:
    """Return what the arguments of a call ask for: a position asks for the file, too.

    Raises Refusal for those that do not go together.
    """
    asked = verify or line is not None
    if (asked and not ref) or (line is None) != (column is None):
        message = "verify, line and column need ref, and line and column each other. Nothing was read."
        raise Refusal("invalid_arguments", message)
    return Verification(Place(line, column) if line and column else None) if asked else None


async def verified(
    verdict: Verdict, api: Client, symbol_set: SymbolSet, verification: Verification
) -> tuple[Verdict, FileFacts | None]:
    """Return the verdict on a symbol set with what its file settles, and what is in the file.

    Over HTTP, too, whatever the operator says of source code: none leaves. Without the extra the verdict says what it
    lacks. Raises ApiError where PostHog gives no link to the file.
    """
    if not is_installed():
        return replace(verdict, cannot_know=[*verdict.cannot_know, NOT_INSTALLED]), None
    facts = await look_into(api, symbol_set, verification.place)
    return settled(verdict, facts), facts


async def look_into(api: Client, symbol_set: SymbolSet, place: Place | None) -> FileFacts:
    """Look into the file of a symbol set. Raises ApiError where PostHog gives no link to it."""
    try:
        found = await look_up_in(api, symbol_set, [place] if place else [], lines_around=0)
    except NoLookUp as error:
        finished = {"file_unusable": True, "not_fetched": None}.get(error.problem, False)
        said = {"problem": str(error)} if str(error) else {}
        return FileFacts(upload_finished=finished, **said)
    return facts_of(found, symbol_set.ref)


def facts_of(found: LookUp, ref: str) -> FileFacts:
    """Return what a file that was looked into says about itself; a fetched one has no chunk id to compare."""
    facts: dict[str, Any] = {"upload_finished": True, "kind": found.kind}
    if found.kind != "proguard":
        facts |= {"sources": found.sources, "has_source_text": found.has_source_text}
    if found.chunk_id and "://" not in ref:
        facts |= {"chunk_id": clean(found.chunk_id), "chunk_id_is_ref": clean(found.chunk_id) == ref}
    if found.originals and found.kind != "proguard":  # which asks for classes and methods
        facts["knows_position"] = bool(found.originals[0])
    return FileFacts(**facts)


def settled(verdict: Verdict, facts: FileFacts) -> Verdict:
    """Put what the file says into a verdict, and take out what is no longer unknown. Pure."""
    of_another = "chunk_id_is_ref" in facts.model_fields_set and not facts.chunk_id_is_ref
    asked = "knows_position" in facts.model_fields_set
    known = set() if facts.upload_finished is None else {advice.UPLOAD_BEGUN}
    if asked and (facts.chunk_id_is_ref or not facts.knows_position):
        known.add(advice.MATCHES)
    said = replace(
        verdict,
        summary=f"{verdict.summary} {_sentence(facts)}",
        cannot_know=[note for note in verdict.cannot_know if note not in known],
    )
    if facts.upload_finished is False:
        return replace(said, readable=False, summary=_sentence(facts), next_steps=[UPLOAD_AGAIN, advice.LATER])
    if facts.problem:
        return replace(said, readable=None if facts.upload_finished else verdict.readable)
    if of_another:
        return replace(said, readable=None, next_steps=[ONE_BUILD, advice.LATER])
    if asked and not facts.knows_position:
        return replace(said, readable=False, next_steps=[ONE_BUILD, advice.LATER])
    return replace(said, readable=True) if asked else said


def _sentence(facts: FileFacts) -> str:
    if facts.upload_finished is False:
        return (
            "PostHog's row of it names a file that its storage does not have: the upload was never finished, or the "
            "file was removed."
        )
    if facts.problem:
        return "Nothing could be looked up in it (file.problem)."
    said = [f"Its upload is finished: {_NAMES[facts.kind]}{_sources(facts)}."]
    if "chunk_id_is_ref" in facts.model_fields_set and not facts.chunk_id_is_ref:
        said.append("The script in it has another chunk id than the ref: it is the file of another script.")
    if "knows_position" in facts.model_fields_set:
        said.append(
            "Its map knows the position."
            if facts.knows_position
            else "Its map does not know the position: either it is of another build than the deployed script, or the "
            "bundler added the code there."
        )
    return " ".join(said)


def _sources(facts: FileFacts) -> str:
    if "sources" not in facts.model_fields_set:
        return ""
    text = "with their text" if facts.has_source_text else "without their text, so frames show no lines of code"
    return f" of {facts.sources:,} source {'file' if facts.sources == 1 else 'files'}, {text}"
