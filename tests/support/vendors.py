"""The command lines of vendors: where npm has put them, and a person with a home of their own who uses them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.installed import COMMAND, Session
from tests.support.npm import CLIENTS, runtime

MODULES = CLIENTS / "vendors" / "node_modules"
INSTALLED = MODULES / ".installed"
"""The file that `make clients` writes when it is done."""

PROGRAMS = {  # below node_modules; a script, or the binary of this platform
    "claude": "@anthropic-ai/claude-code-*/claude",
    "cline": "@cline/cli-*/bin/cline",
    "codex": "@openai/codex-*/vendor/*/bin/codex",
    "continue": "@continuedev/cli/dist/cn.js",
    "copilot": "@github/copilot-*/copilot",
    "gemini": "@google/gemini-cli/bundle/gemini.js",
    "opencode": "opencode-*/bin/opencode",
    "qwen": "@qwen-code/qwen-code/cli.js",
}
NOWHERE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")


def program(name: str) -> list[str]:
    """Return the start of a command line; of a script, with what runs it."""
    found = next(MODULES.glob(PROGRAMS[name]))
    return [runtime(), str(found)] if found.suffix == ".js" else [str(found)]


@dataclass(frozen=True)
class Person:
    """Somebody with an empty home, in an empty folder, whose environment holds nothing but `variables`.

    Proxies lead nowhere, so that nothing can depend on a vendor's server.
    """

    home: Path
    here: Path
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self, **variables: str) -> dict[str, str]:
        """Return the environment of what this person starts."""
        own = {
            "DO_NOT_TRACK": "1",
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "TERM": "dumb",
        }
        return {**NOWHERE, **own, **self.variables, **variables}

    def run(self, *command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=self.here,
            env=self.environment(**variables),
            timeout=120,  # a machine that is busy starts a program of 300 MB slowly
            check=False,
        )

    def use(self, name: str, *arguments: str, **variables: str) -> str:
        """Run a vendor's program, which must succeed, and return all that it says."""
        done = self.run(*program(name), *arguments, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def install(self, client: str, *options: str, **variables: str) -> None:
        """Add this server to a client's configuration."""
        done = self.run(COMMAND, "install", client, "--yes", *options, **variables)
        assert done.returncode == 0, done.stderr

    @contextmanager
    def session(self, name: str, *arguments: str, **variables: str) -> Iterator[Session]:
        """Start a vendor's program that speaks JSON-RPC over stdio."""
        with subprocess.Popen(
            [*program(name), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=self.here,
            env=self.environment(**variables),
        ) as process:
            try:
                yield Session(process)
            finally:
                process.kill()
