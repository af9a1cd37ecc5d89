"""The MCP server: what a caller is shown, and what happens when they call it."""
