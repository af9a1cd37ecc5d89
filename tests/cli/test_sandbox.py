"""Where the sandbox may listen."""

import errno
import os

from click.testing import CliRunner

from errtrack_mcp.cli.sandbox import command

ELSEWHERE = ["--port", "8000", "--host", "192.0.2.1"]


def test_an_address_that_others_reach_has_to_be_meant() -> None:
    """Its keys are printed in public; with --public the address is tried, which is none of this machine's."""
    refused = CliRunner().invoke(command, ELSEWHERE)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.endswith("who know its keys; add --public to allow that.\n")
    tried = CliRunner().invoke(command, [*ELSEWHERE, "--public"])
    assert tried.exit_code == 2
    assert os.strerror(errno.EADDRNOTAVAIL) in tried.stderr
