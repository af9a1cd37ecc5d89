"""The directories whose builds may be read: the operator's, and the roots that a client offers."""

import os
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from mcp.server.mcpserver import Context, ListRoots, Resolve
from mcp_types import ListRootsResult

from errtrack_mcp.api.sanitize import quoted
from errtrack_mcp.tools.dependencies import ClientProvider
from errtrack_mcp.tools.refusal import Refusal


class BuildRoots(NamedTuple):
    """Directories, absolute and free of links, below which builds may be read; the operator's comes first."""

    paths: tuple[Path, ...]
    client_can_offer: bool = False

    def find(self, directory: str) -> tuple[Path, Path]:
        """Return a directory and the root that holds it; a relative one is sought below each root, "" is the first.

        Raises Refusal where there is no such directory below any root.
        """
        if not self.paths:
            raise Refusal("no_build_root", f"{self._why_none()}")
        allowed = ", ".join(quoted(str(path), 120) for path in self.paths[:3])
        inside = [
            (wanted, root)
            for wanted in (Path(os.path.realpath(root / directory)) for root in self.paths)
            for root in self.paths
            if wanted.is_relative_to(root)
        ]
        if not inside:
            raise Refusal("outside_build_root", f"{quoted(directory, 120)} is not below {allowed}. Nothing was read.")
        found = next((pair for pair in inside if _is_folder(pair[0])), None)
        if found is None:
            missing = f"directory {quoted(directory, 120)} below {allowed}" if directory else f"directory {allowed}"
            raise Refusal("no_such_directory", f"There is no {missing}.")
        return found

    def _why_none(self) -> str:
        if self.client_can_offer:
            return "The client offers no folder of this machine as a root. Open one in it, or set ERRTRACK_BUILD_ROOT."
        return (
            "The client offers no roots (deprecated in protocol 2026-07-28, and left out by many clients). "
            "Set ERRTRACK_BUILD_ROOT to the folder that holds the builds."
        )


def ask_client(context: Context[ClientProvider, Any], directory: str = "") -> ListRoots | ListRootsResult:
    """Ask the client for its roots, in the way of its protocol era, where they are needed and it can tell them."""
    provider = context.request_context.lifespan_context
    configured = _configured(provider)
    covered = bool(configured) and all(
        Path(os.path.realpath(root / directory)).is_relative_to(root) for root in configured
    )
    if not provider.local or covered or not _can_offer(context):
        return ListRootsResult(roots=[])
    return ListRoots()


def allowed_roots(
    context: Context[ClientProvider, Any], offered: Annotated[ListRootsResult, Resolve(ask_client)]
) -> BuildRoots:
    """Resolve where builds may be read; nowhere for a caller that is not on this machine."""
    provider = context.request_context.lifespan_context
    paths = [*_configured(provider), *(path for root in offered.roots if (path := _local(str(root.uri))))]
    return BuildRoots(tuple(dict.fromkeys(paths)), _can_offer(context))


Roots = Annotated[BuildRoots, Resolve(allowed_roots)]


def _configured(provider: ClientProvider) -> list[Path]:
    return [Path(os.path.realpath(provider.build_root))] if provider.local and provider.build_root else []


def _can_offer(context: Context[ClientProvider, Any]) -> bool:
    capabilities = context.client_capabilities
    return capabilities is not None and capabilities.roots is not None


def _is_folder(path: Path) -> bool:
    """Return whether there is such a folder; a name that no file system takes is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _local(uri: str) -> Path | None:
    """Return the folder that a root names, if it is one of this machine."""
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not unquote(parts.path).startswith("/"):
        return None
    if "%00" in parts.path:
        return None
    return Path(os.path.realpath(url2pathname(parts.path)))
