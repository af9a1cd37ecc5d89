"""Files in the object storage, fetched by the links that the API gives out (docs/posthog-api.md, section 6).

A link is a secret and comes from a server, so it is used once and not followed further: no key goes with it, no
redirect is taken, and it may not lead into this machine or to the addresses where clouds keep their credentials.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import anyio

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError, TooLarge
from errtrack_mcp.api.proxy import proxy_for
from errtrack_mcp.api.transport import HttpTransport, Request, Transport
from errtrack_mcp.loopback import is_loopback

MAX_FILE_BYTES = 100 << 20  # no symbol set is larger
SECONDS = 30.0
MAX_LINK_LENGTH = 16_384
METADATA = frozenset({ip_address("100.100.100.200"), ip_address("fd00:ec2::254")})  # the others are link-local
NAT64 = IPv6Network("64:ff9b::/96")

Address = IPv4Address | IPv6Address


class LinkRefused(Exception):  # noqa: N818 - named after what happened
    """A link that is not opened; the message says why, as the end of a sentence about its file, without the link.

    `status` is that of the storage's answer, where there was one: 404 for a file that was never uploaded.
    """

    status: int | None = None


class FileNotFetched(LinkRefused):
    """A file that did not arrive; the message says why, as the end of a sentence about it, without the link."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


async def fetch_file(api: Client, url: str) -> bytes:
    """Fetch the file behind a link: at most 100 MB within 30 s. Raises LinkRefused, FileNotFetched."""
    origin = origin_of(url, api.origin)
    try:
        with anyio.fail_after(SECONDS):
            if origin == api.origin:
                return await _body(api, api.transport, url)
            await check_addresses(origin, api.origin)
            storage = HttpTransport(origin, max_connections=1)
            try:
                return await _body(api, storage, url)
            finally:
                await storage.aclose()
    except TimeoutError:
        raise FileNotFetched(f"its storage took longer than {SECONDS:.0f} s") from None
    except TooLarge:
        raise FileNotFetched(f"it has more than {MAX_FILE_BYTES:,} bytes") from None
    except ApiError as error:
        raise FileNotFetched(f"its storage cannot be reached ({error.code})") from None


async def _body(api: Client, transport: Transport, url: str) -> bytes:
    async with api.large_answers.place() as place:
        headers = {"Accept-Encoding": "identity"}
        request = Request("GET", url, "file", {}, None, lambda: headers, place.take, max_file_bytes=MAX_FILE_BYTES)
        response = await transport.send(request)
    if response.status != 200:
        raise FileNotFetched(f"its storage answered {response.status}", response.status)
    return response.body


def origin_of(url: str, api_origin: str) -> str:
    """Return scheme and host of a link that may be opened. Raises LinkRefused."""
    try:
        parts = urlsplit(url[:MAX_LINK_LENGTH])
        host, _port = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError:
        raise LinkRefused("its link is no address of a file") from None
    if not host or len(url) > MAX_LINK_LENGTH or parts.username is not None or parts.password is not None:
        raise LinkRefused("its link is no address of a file")
    encrypted = parts.scheme == "https" or (parts.scheme == "http" and host == urlsplit(api_origin).hostname)
    if not encrypted:
        raise LinkRefused("its link is neither https:// nor on PostHog's own host")
    return f"{parts.scheme}://{parts.netloc}"


async def check_addresses(origin: str, api_origin: str) -> None:
    """Refuse a host that leads to this machine or to a cloud's credentials. Raises LinkRefused.

    Behind a proxy its name is left to the proxy, as this machine may not be able to look it up.
    """
    parts = urlsplit(origin)
    host = parts.hostname or ""
    try:
        addresses: list[Address] = [ip_address(host)]
    except ValueError:
        if proxy_for(origin) is not None:
            return
        try:
            found = await anyio.getaddrinfo(host, parts.port or 443)
        except (OSError, UnicodeError):
            raise LinkRefused("the name of its storage does not resolve") from None
        addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    to_this_machine = is_loopback(urlsplit(api_origin).hostname or "")
    if not addresses or not all(_may_be_asked(address, to_this_machine=to_this_machine) for address in addresses):
        raise LinkRefused("its link leads to an address that this server does not open")


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to: mapped, or through NAT64 or 6to4."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _may_be_asked(address: Address, *, to_this_machine: bool) -> bool:
    if isinstance(address, IPv6Address):
        address = _embedded(address) or address
    if address.is_loopback:
        return to_this_machine
    special = address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved
    return not special and address not in METADATA
