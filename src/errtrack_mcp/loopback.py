"""What only this machine can reach: there nothing has to be encrypted, proxied or hidden. Pure."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address or name, given as URLs have it without brackets."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
