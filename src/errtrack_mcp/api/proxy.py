"""The proxy for a host, from the environment or the operating system, by curl's names and rules."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from errtrack_mcp.api.errors import ProxyFailed
from errtrack_mcp.loopback import is_loopback


def proxy_for(origin: str) -> str | None:
    """Return the address of the proxy for this origin, or None where there is none.

    Unencrypted calls to this machine take none: a proxy could read the key. Raises ProxyFailed for
    an address that is none.
    """
    target = urlsplit(origin)
    if target.scheme == "http" and is_loopback(target.hostname or ""):
        return None
    proxies = getproxies()
    address = proxies.get(target.scheme) or proxies.get("all")
    if not address or proxy_bypass(target.netloc):
        return None
    if "://" not in address:
        address = f"http://{address}"
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ProxyFailed("its address is not like http://host:port")
    return address
