"""Conversations made ready: each carries one piece of work from its question to its end."""

from errtrack_mcp.server.prompts import readable_stack_trace, release_check, tidy_symbol_sets

PROMPTS = (readable_stack_trace.PROMPT, release_check.PROMPT, tidy_symbol_sets.PROMPT)
