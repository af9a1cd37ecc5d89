"""The way to the host: proxy, DNS, connection, TLS, an answer, and its clock."""

import socket
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import anyio

from errtrack_mcp.api import errors
from errtrack_mcp.api.errors import ApiError, ProxyFailed
from errtrack_mcp.api.proxy import proxy_for
from errtrack_mcp.cli.doctor.run import DoctorRun, Finding, Skipped, failed, passed, warned
from errtrack_mcp.loopback import is_loopback
from errtrack_mcp.settings import Settings

MAX_SKEW = 60.0  # seconds: tokens and signed addresses live for minutes
FEW_DAYS = 7

# Where a first question can end, in the order in which it gets there.
ENDS: dict[str, tuple[type[ApiError], ...]] = {
    "proxy": (errors.ProxyFailed,),
    "dns": (errors.HostNotFound,),
    "connection": (errors.ConnectionFailed,),
    "tls": (errors.TlsFailed,),
    "answer": (errors.TimedOut, errors.InvalidResponse, errors.ServerError),
}


def _settings(run: DoctorRun) -> Settings:
    settings = run.settings or run.reachable
    if settings is None:
        raise Skipped("needs settings to be in order")
    return settings


def _ended(run: DoctorRun, name: str) -> Finding | None:
    """Return the failure of this part of the way; skip it where an earlier part ended the way."""
    failure = run.probe.failure
    for part, kinds in ENDS.items():
        if isinstance(failure, kinds):
            if part == name:
                return failed(run.message(failure))
            raise Skipped(f"needs {part} to be in order")
        if part == name:
            return None
    return None


async def check_proxy(run: DoctorRun) -> Finding:
    """See whether there is a proxy on the way, and whether it lets us through."""
    proxy = _proxy(_settings(run).host)
    ended = _ended(run, "proxy")
    if ended:
        return ended
    return passed(f"through {proxy}" if proxy else "none on the way")


async def check_dns(run: DoctorRun) -> Finding:
    """See whether the name of the host resolves."""
    host = _settings(run).host
    ended = _ended(run, "dns")
    if ended:
        return ended
    name = urlsplit(host).hostname or ""
    if _proxy(host):
        return passed(f"left to the proxy to resolve {name}")
    try:
        found = await anyio.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return warned(f"{name} resolved a moment ago and now does not: {error}", "Check the resolver of this machine.")
    addresses = sorted({str(address[4][0]) for address in found})
    return passed(f"{name} is {', '.join(addresses[:3])}")


async def check_connection(run: DoctorRun) -> Finding:
    """See whether anything takes the connection."""
    host = _settings(run).host
    return _ended(run, "connection") or passed(f"{urlsplit(host).netloc} takes connections")


async def check_tls(run: DoctorRun) -> Finding:
    """See whether the certificate is trusted."""
    host = _settings(run).host
    ended = _ended(run, "tls")
    if ended:
        expired = "expired" in ended.found or "not yet valid" in ended.found
        return failed(ended.found, "Compare this machine's clock with the time first." if expired else ended.remedy)
    if host.startswith("http://"):
        if is_loopback(urlsplit(host).hostname or ""):
            return passed("none needed: http:// to this machine")
        return warned("none: http:// sends the key for anyone on the way to read", "Serve it over https://.")
    tls = run.probe.tls
    expires = _expires(tls)
    if tls is None or expires is None:
        return passed("trusted")
    days = (expires - datetime.now(UTC)).days
    said = f"{tls.version()}, trusted, certificate good for {days} days"
    return passed(said) if days >= FEW_DAYS else warned(said, "Have it renewed.")


async def check_answer(run: DoctorRun) -> Finding:
    """See whether what answers speaks as PostHog's API does."""
    _settings(run)
    seconds = run.probe.seconds
    return _ended(run, "answer") or passed(f"the API answers in {seconds * 1000:.0f} ms")


async def check_clock(run: DoctorRun) -> Finding:
    """See whether the host's clock and ours agree."""
    probe = run.probe
    if not probe.answered_at:
        raise Skipped("needs an answer of the host")
    try:
        skew = probe.answered_at - parsedate_to_datetime(probe.date).timestamp()
    except ValueError:
        raise Skipped("the host does not say what time it is") from None
    if abs(skew) <= MAX_SKEW:
        return passed(f"within {MAX_SKEW:.0f} seconds of the host's")
    side = "ahead of" if skew > 0 else "behind"
    said = f"this machine's clock is {_spoken(abs(skew))} {side} the host's"
    return warned(said, "Set it: certificates, tokens and upload addresses are good for a time only.")


def _proxy(host: str) -> str:
    """Name the proxy without who uses it and their password."""
    try:
        proxy = proxy_for(host)
    except ProxyFailed:
        return ""
    parts = urlsplit(proxy or "")
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}" if proxy else ""


def _expires(tls: object) -> datetime | None:
    """Read when the certificate ends, where the platform tells."""
    certificate = tls.getpeercert() if isinstance(tls, ssl.SSLObject | ssl.SSLSocket) else None
    end = (certificate or {}).get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(end), UTC) if isinstance(end, str) else None


def _spoken(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
