"""Which hosts only this machine can reach."""

import pytest

from errtrack_mcp.loopback import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1", "0:0:0:0:0:0:0:1"])
def test_this_machine_is_loopback(host: str) -> None:
    """By name, and by each form of its addresses."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "::", "10.0.0.1", "localhost.example", "127.0.0.1.example", "[::1]", "::ffff:10.0.0.1"],  # noqa: S104
)
def test_everything_else_is_not(host: str) -> None:
    """A name that only looks like this machine, and an address that it merely listens on, are others."""
    assert not is_loopback(host)
