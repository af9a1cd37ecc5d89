"""Which proxy leads to a host."""

import os

import pytest

from errtrack_mcp.api.errors import ProxyFailed
from errtrack_mcp.api.proxy import proxy_for

HOST = "https://us.posthog.com"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the proxy settings of the person who runs the tests."""
    for name in os.environ:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("variables", "origin", "expected"),
    [
        ({}, HOST, None),
        ({"HTTPS_PROXY": "http://p:1"}, HOST, "http://p:1"),
        ({"https_proxy": "http://p:1"}, HOST, "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, HOST, "http://p:1"),
        ({"HTTPS_PROXY": "p:1"}, HOST, "http://p:1"),
        ({"HTTPS_PROXY": "https://u:w@p"}, HOST, "https://u:w@p"),
        ({"HTTP_PROXY": "http://p:1"}, HOST, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "posthog.com"}, HOST, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example, .posthog.com"}, HOST, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, HOST, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "hog.com"}, HOST, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "ph.example:8443"}, "https://ph.example:8443", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "ph.example:8443"}, "https://ph.example", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "http://ph.example", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "http://localhost:8010", None),
        ({"ALL_PROXY": "http://p:1"}, "http://127.0.0.1:8010", None),
        ({"ALL_PROXY": "http://p:1"}, "http://[::1]:8010", None),
        ({"ALL_PROXY": "http://p:1"}, "http://127.0.0.2:8010", None),
    ],
)
def test_the_environment_chooses(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], origin: str, expected: str | None
) -> None:
    """The usual variables mean the usual things; this machine over http is reached directly."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(origin) == expected


@pytest.mark.parametrize(
    "address", ["socks5://u:word@p:1", "http://u:word@p:99999999", "http://", "htp://p", "http://[::1"]
)
def test_an_address_of_no_use_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """What cannot be used fails in words of ours, which do not repeat it."""
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(ProxyFailed) as raised:
        proxy_for(HOST)
    assert "word" not in str(raised.value)
    assert raised.value.__cause__ is None
