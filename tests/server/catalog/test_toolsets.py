"""Which toolsets a process can offer."""

from errtrack_mcp.server.catalog.toolsets import STACK_TRACES, toolsets_for


def test_source_code_is_off_over_http_until_the_operator_says_so() -> None:
    """Its answers hold source code."""
    for local, allowed, offered in ((True, False, True), (False, False, False), (False, True, True)):
        assert (STACK_TRACES in toolsets_for(local=local, source_code_over_http=allowed)) is offered
