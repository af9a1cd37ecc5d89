"""The server over HTTP: every caller with a key of their own, as many replicas as there is need for."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def create_app() -> "ASGIApp":
    """Make the ASGI app from the settings in the environment; for any ASGI server and its workers.

    Raises ConfigurationError for settings that cannot work.
    """
    from errtrack_mcp.remote.app import build_app  # noqa: PLC0415 - naming the factory must cost nothing
    from errtrack_mcp.settings import load_settings  # noqa: PLC0415

    return build_app(load_settings())
