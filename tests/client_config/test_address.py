"""What is no address of a server is refused, with what is wrong with it."""

import pytest

from errtrack_mcp.client_config.address import checked
from errtrack_mcp.client_config.atomic_write import RefusedError


@pytest.mark.parametrize(
    "url", ["https://mcp.example.com/mcp", "http://localhost:8000/mcp/readonly", "http://[::1]:8000/mcp"]
)
def test_an_address_is_taken_as_it_is(url: str) -> None:
    """Over TLS anywhere, without it on this machine."""
    assert checked(url) == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mcp.example.com/mcp", "whole address"),
        ("", "whole address"),
        ("ftp://mcp.example.com/mcp", "whole address"),
        ("https:///mcp", "whole address"),
        ("https://mcp.example.com/m cp", "whole address"),
        ("https://mcp.example.com/\x1b[2J", "whole address"),
        ("https://[::1/mcp", "is no address"),
        ("https://mcp.example.com:port/mcp", "is no address"),
        ("http://mcp.example.com/mcp", "use https://"),
        ("http://localhost.example.com/mcp", "use https://"),
        ("https://phx_key@mcp.example.com/mcp", "may be a secret"),
        ("https://mcp.example.com/mcp?key=phx_key", "may be a secret"),
        ("https://mcp.example.com/mcp#phx_key", "may be a secret"),
        ("https://mcp.example.com", "https://mcp.example.com/mcp"),
        ("https://mcp.example.com/", "https://mcp.example.com/mcp"),
        ("https://mcp.example.com/sse", "use the one at /mcp"),
    ],
)
def test_everything_else_is_refused(url: str, said: str) -> None:
    """The sentence says what to do, and repeats no secret."""
    with pytest.raises(RefusedError) as refused:
        checked(url)
    assert said in str(refused.value)
    assert "phx_key" not in str(refused.value)
