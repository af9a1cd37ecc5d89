"""The list of every tool there is."""

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
EVERY_TOOLSET = {**TOOLSETS, **LOCAL_TOOLSETS}
