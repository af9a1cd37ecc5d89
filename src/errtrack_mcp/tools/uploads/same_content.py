"""Whether the project has a script and its map already: PostHog tells no hash, so its files are fetched and compared.

Two files are the same where script and map are, whatever the compression, the release in the injected code, and the
tool that uploaded them (docs/posthog-api.md, section 6.1).
"""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

import anyio
from anyio import to_thread

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError
from errtrack_mcp.api.files import LinkRefused, fetch_file
from errtrack_mcp.builds.inject import NoCode, without_injection
from errtrack_mcp.builds.map_edit import DamagedMap
from errtrack_mcp.builds.read_pair import read_whole
from errtrack_mcp.builds.script import Unread
from errtrack_mcp.builds.uploadable import Binding, Pair, ReleaseMode, rewrite
from errtrack_mcp.symbolication.process import is_installed, place_for_a_file
from errtrack_mcp.tools.download import SignedUrl
from errtrack_mcp.tools.symbol_sets import SymbolSet

MAX_COMPARED = 50
MAX_SECONDS = 60.0
TO_BE_CREATED = str(UUID(int=0))  # every release's id is as long, so that positions move as far
_HEADER_BYTES = 64


class Comparison(NamedTuple):
    """Whether the project's content is the same; None where that is not known, for the reason in `why_not`.

    `is_unfinished` says that the upload of the project's file was begun and never finished.
    """

    is_same: bool | None
    why_not: str = ""
    is_unfinished: bool = False


async def compare(
    api: Client, pairs: Mapping[str, Pair], binding: Binding, found: Mapping[str, SymbolSet]
) -> dict[str, Comparison]:
    """Compare pairs, by their paths, with the files of the symbol sets found: at most 50, within a minute."""
    if binding.mode is ReleaseMode.EVENT and binding.release and not binding.release_id:
        binding = binding._replace(release_id=TO_BE_CREATED)
    compared = {path: Comparison(None, f"only {MAX_COMPARED} files are compared") for path in found}
    if not is_installed():
        return dict.fromkeys(found, Comparison(None, "comparing needs the extra symbolicate"))
    with anyio.move_on_after(MAX_SECONDS):
        for path in list(found)[:MAX_COMPARED]:
            compared[path] = Comparison(None, "there was no time to compare it")
            compared[path] = await _compare(api, pairs[path], binding, found[path])
    return compared


async def _compare(api: Client, pair: Pair, binding: Binding, symbol_set: SymbolSet) -> Comparison:
    try:
        async with place_for_a_file():
            link = await api.get("symbol_sets", symbol_set.id, "download", into=SignedUrl)
            file = await fetch_file(api, link.url)
            return Comparison(await to_thread.run_sync(_is_same, file, pair, binding))
    except ApiError as error:
        return Comparison(None, f"its link could not be had ({error.code})")
    except LinkRefused as error:
        return Comparison(None, str(error), is_unfinished=error.status == 404)
    except (Unread, DamagedMap) as error:
        return Comparison(None, str(error))


def _is_same(file: bytes, pair: Pair, binding: Binding) -> bool:
    """Return whether a file holds this pair, as it is after the injection. Raises Unread and DamagedMap."""
    from errtrack_mcp.symbolication.containers import Kind, UnusableFile, unpack  # noqa: PLC0415 - of an extra

    script, source_map = read_whole(pair.script), read_whole(pair.source_map)
    if pair.rewritten:
        try:
            written = rewrite(pair, script, source_map, binding)
        except NoCode:
            return False
        script, source_map = written.script, written.source_map
    room = len(script) + len(source_map) + _HEADER_BYTES  # what is larger is something else
    try:
        theirs = unpack(file, most=room)
        if theirs.kind is not Kind.JAVASCRIPT or theirs.mapping != source_map:
            return False
        ours = without_injection(script.decode(), pair.chunk_id).script
        return without_injection(theirs.script.decode(), pair.chunk_id).script == ours
    except (UnusableFile, UnicodeDecodeError):
        return False
