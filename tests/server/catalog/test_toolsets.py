"""Which toolsets a process can offer."""

import pytest

from errtrack_mcp.server.catalog.toolsets import PAGES, STACK_TRACES, toolsets_for


def test_source_code_is_off_over_http_until_the_operator_says_so() -> None:
    """Its answers hold source code."""
    for local, allowed, offered in ((True, False, True), (False, False, False), (False, True, True)):
        assert (STACK_TRACES in toolsets_for(local=local, source_code_over_http=allowed)) is offered


@pytest.mark.parametrize(
    ("answer", "page"),
    [
        ({"issue_id": "a"}, "/a"),
        ({"issue": {"id": "a"}, "id": "b"}, "/a"),
        ({"id": "../?x=1#y"}, "/..%2F%3Fx%3D1%23y"),
        ({"issue": {"id": 3}}, ""),
        ({"id": None}, ""),
        ({}, ""),
    ],
)
def test_the_page_of_an_issue_is_found_in_the_answer(answer: dict[str, object], page: str) -> None:
    """Whatever the id holds, it leads nowhere else."""
    assert PAGES["issues"]("https://posthog.example", 7, answer) == (
        f"https://posthog.example/project/7/error_tracking{page}"
    )
