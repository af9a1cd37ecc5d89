"""The address of a server over HTTP, before it is written anywhere."""

from urllib.parse import urlsplit

from errtrack_mcp.client_config.atomic_write import RefusedError
from errtrack_mcp.loopback import is_loopback


def checked(url: str) -> str:
    """Return an address that a client can be given. Raises RefusedError, with what is wrong with it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise RefusedError(f"{url} is no address.") from None
    if parts.scheme not in {"http", "https"} or not host or any(not sign.isprintable() or sign == " " for sign in url):
        raise RefusedError("Give the server's whole address, as in --url https://mcp.example.com/mcp")
    if parts.scheme == "http" and not is_loopback(host):
        raise RefusedError(f"http:// would show everybody on the way what is sent to {host}: use https://.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise RefusedError("The address must hold nothing but host and path: what else is in it may be a secret.")
    if parts.path.strip("/") == "":
        raise RefusedError(f"The address needs its path; that of errtrack-mcp is: {url.rstrip('/')}/mcp")
    if parts.path.rstrip("/").endswith("/sse"):
        raise RefusedError(
            "That is the older transport, which is not written into configurations: use the one at /mcp."
        )
    return url
