"""The injection of a build: all of its files are rewritten, or none."""

import hashlib
from pathlib import Path

from anyio import to_thread

from errtrack_mcp.builds.inject import NoCode
from errtrack_mcp.builds.map_edit import DamagedMap
from errtrack_mcp.builds.read_pair import read_with_state
from errtrack_mcp.builds.rewriting import Rewriting, leftovers, locked, remove
from errtrack_mcp.builds.script import Unread
from errtrack_mcp.builds.uploadable import Binding, Pair, rewrite
from errtrack_mcp.tools.progress import Report
from errtrack_mcp.tools.thread_slices import in_slices


class NotInjected(Exception):  # noqa: N818 - named after what happened
    """A build that was not injected; the message says why, and what could not be put back."""


async def inject_all(
    directory: Path, pairs: list[Pair], binding: Binding, report: Report
) -> dict[str, tuple[bytes, bytes]]:
    """Inject the pairs that need it, and return the digests of their new files by path. Raises NotInjected."""
    try:
        with locked(directory):
            return await _inject_all(pairs, binding, report)
    except (Unread, DamagedMap) as error:
        raise NotInjected(str(error)) from None


async def _inject_all(pairs: list[Pair], binding: Binding, report: Report) -> dict[str, tuple[bytes, bytes]]:
    rewriting = Rewriting()
    digests: dict[str, tuple[bytes, bytes]] = {}
    rewritten = [pair for pair in pairs if pair.rewritten]
    try:
        await to_thread.run_sync(remove, leftovers_of(pairs))
        async for some in in_slices((pair.path, _write(rewriting, pair, binding)) for pair in rewritten):
            digests.update(some)
            await report(len(digests), len(rewritten), f"Injected {len(digests)} of {len(rewritten)} scripts.")
        await to_thread.run_sync(rewriting.replace)
    except BaseException:
        rewriting.restore()
        raise
    return digests


def leftovers_of(pairs: list[Pair]) -> list[Path]:
    """Return what a run that was killed has left next to the files of pairs. Raises Unread."""
    return leftovers(path for pair in pairs for path in (pair.script, pair.source_map))


def _write(rewriting: Rewriting, pair: Pair, binding: Binding) -> tuple[bytes, bytes]:
    """Write the new files of a pair next to its own. Raises Unread and DamagedMap."""
    script, script_state = read_with_state(pair.script)
    source_map, map_state = read_with_state(pair.source_map)
    if tuple(hashlib.sha256(content).digest() for content in (script, source_map)) != pair.digests:
        raise Unread(f"{pair.path!a} or its map has changed since it was read")
    try:
        new = rewrite(pair, script, source_map, binding)
    except NoCode:
        raise Unread(f"{pair.path!a} holds no code") from None
    except DamagedMap as error:
        raise DamagedMap(f"the map of {pair.path!a} cannot be moved: {error}") from None
    if new.raw_map is not None:
        rewriting.add(pair.source_map, new.raw_map, seen=map_state)
    rewriting.add(pair.script, new.script, seen=script_state)
    rewriting.add(pair.source_map, new.source_map, seen=None if new.raw_map is not None else map_state)
    return hashlib.sha256(new.script).digest(), hashlib.sha256(new.source_map).digest()
