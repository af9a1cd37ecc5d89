"""What an assistant can call. TOOLSETS is the one list of every tool there is."""

from errtrack_mcp.tools import releases, symbol_sets

TOOLSETS = {
    "releases": releases.TOOLS,
    "symbol-sets": symbol_sets.TOOLS,
}
