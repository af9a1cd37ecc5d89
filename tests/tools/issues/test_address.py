"""What an issue is named by: an id, or the address of its page."""

import pytest

from errtrack_mcp.tools.issues.address import IssueAddress, read_address
from errtrack_mcp.tools.refusal import Refusal

ID = "019a9da0-9220-7000-912a-de2d7c339fae"
ORIGIN = "https://us.posthog.com"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ID, IssueAddress(ID)),
        (f" {ID.upper()} ", IssueAddress(ID)),
        (f"{ORIGIN}/project/7/error_tracking/{ID}", IssueAddress(ID)),
        (f"{ORIGIN}/error_tracking/{ID}/fingerprints", IssueAddress(ID)),
        (f"/project/7/error_tracking/{ID}?timestamp=x&fingerprint=a%2Fb#c", IssueAddress(ID, "a/b")),
        (f"{ORIGIN}/project/7/error_tracking/fingerprint/a%2Fb%20c?timestamp=x", IssueAddress("", "a/b c")),
    ],
)
@pytest.mark.parametrize("project", ["7", "@current"])
def test_an_id_and_every_address_of_an_issue_are_read(text: str, expected: IssueAddress, project: str) -> None:
    """With the fingerprint, where the address has one."""
    assert read_address(text, ORIGIN, project) == expected


@pytest.mark.parametrize(
    "text",
    [
        "7",
        "TypeError",
        f"{ORIGIN}/project/7/replay/{ID}",
        f"{ORIGIN}/project/7/error_tracking",
        f"{ORIGIN}/project/7/error_tracking/alerts/{ID}",
        "https://[",
        f"/error_tracking/{ID}?" + "a=b&" * 60,
        "/",
    ],
)
def test_what_names_no_issue_is_refused(text: str) -> None:
    """The message shows both forms."""
    with pytest.raises(Refusal, match="issue_id is neither an id"):
        read_address(text, ORIGIN, "7")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"https://eu.posthog.com/project/7/error_tracking/{ID}", "https://eu.posthog.com"),
        (f"https://us.posthog.com.evil.example/error_tracking/{ID}", "evil.example"),
        (f"{ORIGIN}/project/8/error_tracking/{ID}", "this call asks 7"),
    ],
)
def test_an_address_that_leads_elsewhere_is_refused(text: str, said: str) -> None:
    """The same id could name something else here, or nothing."""
    with pytest.raises(Refusal, match="Nothing was read") as raised:
        read_address(text, ORIGIN, "7")
    assert said in raised.value.message
