"""Build directories on this machine: their scripts, source maps and chunk ids. No MCP, no network."""
