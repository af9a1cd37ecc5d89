"""`errtrack-mcp install CLIENT --link`."""

from pathlib import Path

import pytest

from tests.support.invoked import invoke

URL = "https://mcp.example.com/mcp"
README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("client", ["cursor", "vscode"])
def test_the_link_of_the_readme_is_printed_and_no_key(client: str, tmp_path: Path) -> None:
    """Alone on standard output, and whatever is set here; no file is touched."""
    shown = invoke("install", client, "--link", HOME=str(tmp_path), POSTHOG_PERSONAL_API_KEY="phx_the_key")
    assert shown.returncode == 0
    assert f"]({shown.stdout.strip()})" in README.read_text()
    assert "errtrack-mcp login" in shown.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_an_address_is_another() -> None:
    """With and without the key in a header."""
    links = {invoke("install", "vscode", "--link", "--url", URL, *options).stdout for options in ((), ("--send-key",))}
    assert len(links) == 2
    assert all("mcp.example.com" in link for link in links)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("zed", "--link"), 1, "Zed opens no such link; Cursor and VS Code do"),
        (("cursor", "--link", "--url", "http://mcp.example.com/mcp"), 1, "use https://"),
        (("cursor", "--link", "--yes"), 2, "--link changes nothing"),
        (("cursor", "--link", "--uninstall"), 2, "--link changes nothing"),
    ],
)
def test_where_there_is_no_link_it_says_so(arguments: tuple[str, ...], code: int, said: str) -> None:
    """And prints nothing that could be taken for one."""
    refused = invoke("install", *arguments)
    assert (refused.returncode, refused.stdout) == (code, "")
    assert said in refused.stderr
