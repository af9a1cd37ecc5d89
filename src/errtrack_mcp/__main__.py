"""Run the command as `python -m errtrack_mcp`."""

from errtrack_mcp.cli.main import main

main()
