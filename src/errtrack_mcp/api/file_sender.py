"""Files sent to the object storage, by the links that the API gives out (docs/posthog-api.md, section 6).

As when files are fetched, no key goes with a link, and it may not lead into this machine.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import anyio

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError
from errtrack_mcp.api.files import check_addresses, origin_of
from errtrack_mcp.api.transport import HttpTransport, Request, Transport

SECONDS = 120.0  # for one try: a link is good for 300
TRIES = 3
FIRST_WAIT = 0.5
EXPIRED = 403
PASSING = frozenset({408, 429, 500, 502, 503, 504})


class FileNotSent(Exception):  # noqa: N818 - named after what happened
    """A file that did not arrive; the message says why, as the end of a sentence about it, without the link."""


class LinkExpired(FileNotSent):
    """The storage no longer takes the link."""


class Link(NamedTuple):
    """Where a file is to be sent: with PUT, or behind the fields of a `form` with POST."""

    url: str
    form: Mapping[str, str] | None = None


@dataclass(slots=True)
class FileSender:
    """Connections to the storages that links name, each checked once."""

    api: Client
    connections: int
    _stack: AsyncExitStack
    _storages: dict[str, Transport] = field(default_factory=dict)
    _making: anyio.Lock = field(default_factory=anyio.Lock)

    async def send(self, links: list[Link], file: bytes) -> None:
        """Send a file by the first of several links that works; what fails in passing is tried three times by each.

        Sending a file a second time does no harm.
        Raises FileNotSent, LinkExpired, LinkRefused.
        """
        failure = FileNotSent("PostHog gave no link for it")
        for link in links:
            for number in range(TRIES):
                if number:
                    await anyio.sleep(FIRST_WAIT * 2 ** (number - 1))
                try:
                    status = await self._try(link, file)
                except ApiError as error:
                    failure = FileNotSent(f"its storage cannot be reached ({error.code})")
                    continue
                except TimeoutError:
                    failure = FileNotSent(f"its storage took longer than {SECONDS:.0f} s")
                    continue
                if 200 <= status < 300:
                    return
                failure = (LinkExpired if status == EXPIRED else FileNotSent)(f"its storage answered {status}")
                if status not in PASSING:
                    raise failure
        raise failure

    async def _try(self, link: Link, file: bytes) -> int:
        """Send a file once, and return the status of the answer."""
        storage = await self._storage(origin_of(link.url, self.api.origin))
        method = "PUT" if link.form is None else "POST"
        # The storage's words about a failure may be long, and are not needed.
        request = Request(method, link.url, "file", {}, None, dict, max_file_bytes=1 << 20, file=file, form=link.form)
        with anyio.fail_after(SECONDS):
            return (await storage.send(request)).status

    async def _storage(self, origin: str) -> Transport:
        """Return the connections to a storage, which are never those to the API. Raises LinkRefused."""
        async with self._making:
            if origin not in self._storages:
                app = None
                if origin != self.api.origin:
                    await check_addresses(origin, self.api.origin)
                elif isinstance(self.api.transport, HttpTransport):
                    app = self.api.transport.app
                storage = HttpTransport(origin, app, max_connections=self.connections, keeps_after_empty=True)
                self._stack.push_async_callback(storage.aclose)
                self._storages[origin] = storage
        return self._storages[origin]


@asynccontextmanager
async def file_sender(api: Client, connections: int) -> AsyncIterator[FileSender]:
    """Open a sender for many files; its connections are closed at the end."""
    async with AsyncExitStack() as stack:
        yield FileSender(api, connections, stack)
