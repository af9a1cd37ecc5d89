"""Addresses that only this machine can reach: nothing has to be encrypted or hidden there. Pure."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address or name, given as URLs have it without brackets."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
