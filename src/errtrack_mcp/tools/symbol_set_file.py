"""The file of a symbol set, looked into (docs/posthog-api.md, section 6). Its link is asked for, used and forgotten."""

from collections.abc import Sequence
from typing import Literal

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import NotFound
from errtrack_mcp.api.files import LinkRefused, fetch_file
from errtrack_mcp.symbolication.places import LookUp, Place
from errtrack_mcp.symbolication.process import FileUnusable, look_up, place_for_a_file
from errtrack_mcp.tools.download import SignedUrl
from errtrack_mcp.tools.symbol_sets import SymbolSet

Problem = Literal["never_uploaded", "upload_unfinished", "not_fetched", "file_unusable"]


class NoLookUp(Exception):  # noqa: N818 - named after what happened
    """A file in which nothing was looked up: `problem` is the kind of reason, the message says more, and may be ""."""

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__(detail)
        self.problem: Problem = problem


async def look_up_in(api: Client, symbol_set: SymbolSet, places: Sequence[Place], *, lines_around: int) -> LookUp:
    """Look places up in the file of a symbol set. Raises NoLookUp, and ApiError where the link cannot be had."""
    try:
        async with place_for_a_file():
            link = await api.get("symbol_sets", symbol_set.id, "download", into=SignedUrl)
            return await look_up(await fetch_file(api, link.url), places, lines_around=lines_around)
    except NotFound:
        raise NoLookUp("never_uploaded") from None
    except LinkRefused as error:
        problem: Problem = "upload_unfinished" if error.status == 404 else "not_fetched"
        raise NoLookUp(problem, str(error)) from None
    except FileUnusable as error:
        raise NoLookUp("file_unusable", str(error)) from None
