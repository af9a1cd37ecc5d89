"""`errtrack-mcp view` as a process: the address that it prints, and how it ends."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.installed import COMMAND, environment


@dataclass(frozen=True, slots=True)
class Viewing:
    """A running command: the link that opens its page once, the origin of it, and the process."""

    link: str
    process: "subprocess.Popen[str]"

    @property
    def origin(self) -> str:
        """The address without the token."""
        return self.link.partition("/?")[0]


@contextmanager
def viewing(*arguments: str) -> Iterator[Viewing]:
    """Start the command without a browser, and wait for its link; it is ended with the context."""
    command = [COMMAND, "view", "--no-open", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        try:
            link = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", process.stdout.readline())
            assert link
            yield Viewing(link[0], process)
        finally:
            process.kill()
