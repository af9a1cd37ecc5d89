"""From a minified stack trace to a readable one."""

import re
from collections.abc import Iterable
from typing import Annotated

from mcp.server.mcpserver.prompts import Prompt
from pydantic import Field

from errtrack_mcp.server.prompts.base import GatedPrompt, Name, as_data, named, numbered
from errtrack_mcp.tools.refusal import Refusal

DIAGNOSE = "error-tracking-symbol-sets-diagnose"
DIAGNOSE_ISSUE = "error-tracking-issues-diagnose"
MAX_REFS = 5
MAX_SEARCHED_LENGTH = 100_000  # some 500 frames
MAX_REF_LENGTH = 300

_CHUNK_ID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
# Every repetition has a bound: this pattern is tried at each address of a text that anybody may have written.
_SCRIPT = re.compile(
    r"https?://[\w.:@~%+/-]{1,300}?\.[cm]?js(?:\?[\w.=&%-]{0,200})?(?=:\d{1,9}(?::\d{1,9})?\b)", re.ASCII
)


def readable_stack_trace(
    trace: Annotated[str, Field(description="The minified stack trace")] = "",
    issue: Annotated[Name, Field(description="Issue that has it: id, or address of its page")] = "",
    ref: Annotated[Name, Field(description="Chunk id or script URL, if there is no trace")] = "",
    project: Annotated[Name, Field(description="App name, not the PostHog project; needs version")] = "",
    version: Annotated[Name, Field(description="Release that the trace is from; needs project")] = "",
) -> list[str]:
    """Find out why a stack trace is minified, and make the next one readable."""
    if not (trace.strip() or ref or issue):
        raise Refusal("invalid_arguments", "Give trace, issue or ref.")
    if bool(project) != bool(version):
        raise Refusal("invalid_arguments", "Give project and version together, or neither.")
    refs = [ref] if ref else refs_in(trace)
    steps = numbered(
        f"Call {DIAGNOSE_ISSUE} with issue_id {named(issue)}. If that is not among your tools, ask me for the trace."
        if issue
        else "",
        _look_up(refs) if refs or not issue else "",
        f"Call {DIAGNOSE} with project {named(project)} and version {named(version)} too: is it one script, or the "
        "whole release?"
        if version
        else "",
        "Tell me in one sentence for each why it is minified, and what the answer says it cannot know.",
        "Give me the one step that fixes most, with its exact command, and where to run it. Run and delete nothing "
        "that I have not agreed to.",
        "When it is done, call the same again to see that it helped. Errors that PostHog has stored already stay "
        "minified; only the next one is readable.",
    )
    opening = f"Make this stack trace readable.\n\n{steps}"
    return [opening, as_data("The stack trace", trace)] if trace.strip() else [opening]


def _look_up(refs: list[str]) -> str:
    """Return the step that diagnoses each ref, or that asks for one."""
    if refs:
        return f"Call {DIAGNOSE} with ref, once for each of these: {', '.join(map(named, refs))}."
    return (
        "Ask me for the chunk_id or the URL of the frame on top: this trace names neither, as in the raw event or in "
        f"the stack frame's details. Then call {DIAGNOSE} with it as ref."
    )


def refs_in(trace: str) -> list[str]:
    """Return the chunk ids, then the script URLs, that a trace names: the first few, each once, in its order."""
    text = trace[:MAX_SEARCHED_LENGTH]
    return _first([*_found(_CHUNK_ID, text), *_found(_SCRIPT, text)])


def _found(pattern: re.Pattern[str], text: str) -> list[str]:
    return _first(match[0] for match in pattern.finditer(text) if len(match[0]) <= MAX_REF_LENGTH)


def _first(refs: Iterable[str]) -> list[str]:
    kept: dict[str, None] = {}
    for ref in refs:
        kept.setdefault(ref)
        if len(kept) == MAX_REFS:
            break
    return list(kept)


PROMPT = GatedPrompt(
    Prompt.from_function(readable_stack_trace, "readable-stack-trace", "Make a stack trace readable"),
    frozenset({DIAGNOSE}),
)
