"""The list of every tool there is, and the page of PostHog's web app that belongs to each toolset."""

from collections.abc import Callable, Mapping
from typing import Any

from errtrack_mcp.api.posthog import issue_url, issues_url, releases_url, symbol_sets_url
from errtrack_mcp.symbolication.process import is_installed
from errtrack_mcp.tools import (
    build_check,
    compare,
    diagnose,
    download,
    ensure,
    prune,
    release_list,
    releases,
    symbol_sets,
)
from errtrack_mcp.tools.annotations import Tool
from errtrack_mcp.tools.issues import (
    event_list,
    fingerprint_list,
    issue_changes,
    issue_detail,
    issue_diagnosis,
    issue_list,
    issue_releases,
    merge,
    split,
)
from errtrack_mcp.tools.stack_traces import resolve
from errtrack_mcp.tools.uploads import upload

# Its answers hold source code, so over HTTP only an operator who says so offers it; it needs an extra.
STACK_TRACES = "stack-traces"

TOOLSETS = {
    "issues": [
        *issue_list.TOOLS,
        *issue_detail.TOOLS,
        *event_list.TOOLS,
        *issue_releases.TOOLS,
        *fingerprint_list.TOOLS,
        *issue_changes.TOOLS,
        *merge.TOOLS,
        *split.TOOLS,
        *issue_diagnosis.TOOLS,
    ],
    "releases": [*release_list.TOOLS, *releases.TOOLS, *ensure.TOOLS, *compare.TOOLS],
    "symbol-sets": [*symbol_sets.TOOLS, *diagnose.TOOLS, *prune.TOOLS, *download.TOOLS],
    STACK_TRACES: resolve.TOOLS,
}

# These read this machine's files: only a caller who runs this process may have them, never one over HTTP.
LOCAL_TOOLSETS = {
    "builds": [*build_check.TOOLS, *upload.TOOLS],
}


def _issue_page(origin: str, project: str | int, answer: Mapping[str, Any]) -> str:
    """Return the page of the one issue that an answer is about, else that of all."""
    issue = answer.get("issue")
    held = answer.get("issue_id") or (issue.get("id") if isinstance(issue, dict) else answer.get("id"))
    return issue_url(origin, project, held) if isinstance(held, str) else issues_url(origin, project)


# Each answer carries the address of its page, so that a person can look at the same thing there. It is made of origin,
# project and the answer. A single release or symbol set has no page.
PAGES: dict[str, Callable[[str, str | int, Mapping[str, Any]], str]] = {
    "issues": _issue_page,
    "releases": lambda origin, project, _answer: releases_url(origin, project),
    "symbol-sets": lambda origin, project, _answer: symbol_sets_url(origin, project),
    STACK_TRACES: lambda origin, project, _answer: issues_url(origin, project),  # an answer names no issue
    "builds": lambda origin, project, _answer: symbol_sets_url(origin, project),
}
EVERY_TOOLSET = {**TOOLSETS, **LOCAL_TOOLSETS}


def toolsets_for(*, local: bool, source_code_over_http: bool) -> dict[str, list[Tool]]:
    """Return the toolsets that a process can offer: `local` says that its callers run it themselves."""
    toolsets = EVERY_TOOLSET if local else TOOLSETS
    if is_installed() and (local or source_code_over_http):
        return toolsets
    return {name: tools for name, tools in toolsets.items() if name != STACK_TRACES}
