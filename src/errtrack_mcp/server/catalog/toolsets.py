"""The list of every tool there is, and the page of PostHog's web app that belongs to each toolset."""

from errtrack_mcp.api.posthog import releases_url, symbol_sets_url
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

TOOLSETS = {
    "releases": [*release_list.TOOLS, *releases.TOOLS, *ensure.TOOLS, *compare.TOOLS],
    "symbol-sets": [*symbol_sets.TOOLS, *diagnose.TOOLS, *prune.TOOLS, *download.TOOLS],
}

# These read this machine's files: only a caller who runs this process may have them, never one over HTTP.
LOCAL_TOOLSETS = {
    "builds": build_check.TOOLS,
}

# Each answer carries the address of its page, so that a person can look at the same thing there.
PAGES = {
    "releases": releases_url,
    "symbol-sets": symbol_sets_url,
    "builds": symbol_sets_url,
}
EVERY_TOOLSET = {**TOOLSETS, **LOCAL_TOOLSETS}
