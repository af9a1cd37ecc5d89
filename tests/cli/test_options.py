"""How a command ends, and the socket that it listens on."""

import errno
import os
import socket

import pytest

from errtrack_mcp.cli.options import in_url, open_socket, run, stop
from errtrack_mcp.settings import ConfigurationError, Settings


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (1, 1), (2, 2)])
def test_a_command_ends_with_the_code_that_it_returns(returned: int | None, code: int) -> None:
    """None is success."""

    async def command(settings: Settings) -> int | None:
        assert settings.host == "https://eu.posthog.com"
        return returned

    with pytest.raises(SystemExit) as ended:
        run(None, command, {"POSTHOG_HOST": "https://eu.posthog.com"})
    assert ended.value.code == code


def test_what_a_command_finds_wrong_in_the_settings_ends_it_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    """Every problem has its line on standard error."""

    async def command(_settings: Settings) -> None:
        raise ConfigurationError(["This is wrong.", "That too."])

    with pytest.raises(SystemExit) as ended:
        run(None, command)
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", "errtrack-mcp: This is wrong.\nerrtrack-mcp: That too.\n")


def test_text_of_several_lines_stands_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """A prefix would break its first line alone."""
    with pytest.raises(SystemExit):
        stop(["One line.", "A list:\n  1. this"])
    assert capsys.readouterr().err == "errtrack-mcp: One line.\nA list:\n  1. this\n"


def test_a_free_port_is_found_and_listened_on() -> None:
    """Named TCP: asyncio turns off the waiting of Nagle's algorithm for no other."""
    with open_socket("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname(), timeout=5):
        assert listener.proto == socket.IPPROTO_TCP


def test_an_address_of_another_machine_is_told_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """With the system's reason, and what to do instead."""
    with pytest.raises(SystemExit) as ended:
        open_socket("192.0.2.1", 8000)
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        f"errtrack-mcp: Cannot listen on 192.0.2.1:8000: {os.strerror(errno.EADDRNOTAVAIL)}. "
        "--port 0 takes a free port, --host another address.\n"
    )


def test_a_machine_without_ipv6_is_told_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """There the socket cannot even be made."""

    def fail(*_arguments: object) -> None:
        raise OSError(errno.EAFNOSUPPORT, "no IPv6")

    monkeypatch.setattr(socket, "socket", fail)
    with pytest.raises(SystemExit):
        open_socket("::1", 8000)
    assert f"Cannot listen on [::1]:8000: {os.strerror(errno.EAFNOSUPPORT)}. " in capsys.readouterr().err


@pytest.mark.parametrize(("host", "written"), [("localhost", "localhost"), ("127.0.0.1", "127.0.0.1"), ("::", "[::]")])
def test_an_address_of_ipv6_is_in_brackets(host: str, written: str) -> None:
    """Without them its end would be read as a port."""
    assert in_url(host) == written
