"""The upload itself, in batches: started, sent to the storage, finished (docs/posthog-api.md, section 6.3)."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import anyio
from anyio import to_thread
from pydantic import BaseModel

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError, BadRequest, StatusError
from errtrack_mcp.api.file_sender import FileNotSent, FileSender, Link, LinkExpired, file_sender
from errtrack_mcp.api.files import LinkRefused
from errtrack_mcp.builds.map_edit import DamagedMap
from errtrack_mcp.builds.pack import MAX_FILE_BYTES, hash_of_content, hash_of_file, pack
from errtrack_mcp.builds.read_pair import read_whole
from errtrack_mcp.builds.script import Unread
from errtrack_mcp.builds.uploadable import Binding, Pair, ReleaseMode
from errtrack_mcp.tools.progress import Report
from errtrack_mcp.tools.uploads.models import Outcome

MAX_BATCH = 50
MAX_BATCH_BYTES = 24 << 20  # what is sent within the 300 seconds that a link is good for
AT_ONCE = 10
REPORTED_EACH = 10
MAX_CHECKED = 1_000
OF_ONE_SET = frozenset({"content_hash_mismatch", "content_hash_required", "release_id_mismatch", "file_too_large"})
NO_SUCH_CALL = frozenset({403, 404, 405})


Row = dict[str, str | int | None]  # a symbol set as a request names it


class Form(BaseModel):
    """A form by which the storage takes one file."""

    url: str
    fields: dict[str, str] = {}


class Ticket(BaseModel):
    """Where the file of one symbol set is to be sent."""

    symbol_set_id: str
    presigned_url: Form | None = None
    fallback_presigned_url: Form | None = None
    presigned_put_url: str | None = None
    fallback_presigned_put_url: str | None = None

    @property
    def links(self) -> list[Link]:
        """The links, best first: some storages take no forms."""
        puts = [Link(url) for url in (self.presigned_put_url, self.fallback_presigned_put_url) if url]
        forms = [form for form in (self.presigned_url, self.fallback_presigned_url) if form]
        return puts or [Link(form.url, form.fields) for form in forms]


class Started(BaseModel):
    """The answer to a start: a symbol set that is not in it has to get no file."""

    id_map: dict[str, Ticket]


class Checked(BaseModel):
    """The answer to a check: what still has to be sent."""

    chunk_ids_to_upload: list[str]


class Finished(BaseModel):
    """The answer to the end of a batch."""

    success: bool = True


class Piece(NamedTuple):
    """A pair that is ready to be sent."""

    pair: Pair
    file: bytes
    content_hash: str
    release_id: str | None

    def row(self) -> Row:
        """Return the symbol set as a start names it."""
        return {
            "chunk_id": self.pair.chunk_id,
            "release_id": self.release_id,
            "content_hash": self.content_hash,
            "content_length": len(self.file),
        }


@dataclass(slots=True)
class Upload:
    """One upload under way.

    By the path of a pair, `outcomes` has what became of it so far, `sent` the row of one whose file was sent, `unsent`
    that of one for which PostHog wanted none: it has a file, with this content or another.
    """

    api: Client
    binding: Binding
    force: bool
    digests: Mapping[str, tuple[bytes, bytes]]
    report: Report
    total: int
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    sent: dict[str, Row] = field(default_factory=dict)
    unsent: dict[str, Row] = field(default_factory=dict)

    async def send_all(self, pairs: list[Pair], release_of: Mapping[str, str | None]) -> None:
        """Send every pair, batch after batch. Raises ApiError; what was done before is in `outcomes`.

        The next batch is packed while one is sent: 0.88 of the time otherwise.
        """
        waiting = iter(pairs)
        failures: list[ApiError] = []
        packed, batches = anyio.create_memory_object_stream[list[Piece]]()

        async def pack_all() -> None:
            async with packed:
                while batch := await to_thread.run_sync(self._packed, waiting, release_of):
                    await packed.send(batch)

        async with file_sender(self.api, AT_ONCE) as sender, anyio.create_task_group() as group, batches:
            group.start_soon(pack_all)
            try:
                async for batch in batches:
                    await self._send(sender, batch, await self._start(batch))
            except ApiError as error:  # a task group would wrap it in another one
                failures.append(error)
                group.cancel_scope.cancel()
        for failure in failures:
            raise failure

    def _packed(self, waiting: Iterator[Pair], release_of: Mapping[str, str | None]) -> list[Piece]:
        """Pack the next batch; a pair that cannot be packed is passed over."""
        batch: list[Piece] = []
        for pair in waiting:
            try:
                piece = _pack(pair, self.binding, self.digests.get(pair.path, pair.digests), release_of[pair.path])
            except (Unread, DamagedMap) as error:
                self.outcomes[pair.path] = ("failed", str(error))
                continue
            batch.append(piece)
            if len(batch) >= MAX_BATCH or sum(len(each.file) for each in batch) >= MAX_BATCH_BYTES:
                break
        return batch

    async def _start(self, batch: list[Piece]) -> dict[str, Ticket]:
        """Start a batch; where PostHog refuses it for one symbol set, all others are started without that one.

        Raises ApiError.
        """
        conflicts = {"force": True} if self.force else {"skip_on_conflict": True}
        body = {"symbol_sets": [piece.row() for piece in batch], **conflicts}
        try:
            started = await self.api.post("symbol_sets", "bulk_start_upload", body=body, into=Started, may_repeat=True)
        except BadRequest as error:
            if error.api_code not in OF_ONE_SET:
                raise
            if len(batch) == 1:
                self.outcomes[batch[0].pair.path] = _refused(error)
                return {}
            half = len(batch) // 2
            return {**await self._start(batch[:half]), **await self._start(batch[half:])}
        return {piece.pair.chunk_id: ticket for piece in batch if (ticket := started.id_map.get(piece.pair.chunk_id))}

    async def _send(self, sender: FileSender, batch: list[Piece], started: dict[str, Ticket]) -> None:
        """Send the files of a batch, at most 10 at once, and finish those that arrived. Raises ApiError."""
        hashes: dict[str, str] = {}
        pieces = iter([piece for piece in batch if piece.pair.chunk_id in started])

        async def worker() -> None:
            for piece in pieces:
                ticket = await self._send_one(sender, piece, started[piece.pair.chunk_id])
                if ticket is not None:
                    hashes[ticket.symbol_set_id] = piece.content_hash
                    self.outcomes[piece.pair.path] = ("uploaded", piece.pair.note)
                    self.sent[piece.pair.path] = piece.row()
                if len(self.outcomes) % REPORTED_EACH == 0:
                    await self.report(len(self.outcomes), self.total, f"Uploaded {len(self.sent)} files.")

        async with anyio.create_task_group() as group:
            for _ in range(AT_ONCE):
                group.start_soon(worker)
        if hashes:
            await self._finish(hashes, batch)
        for piece in batch:
            if piece.pair.path not in self.outcomes:
                self.outcomes[piece.pair.path] = ("not_compared", "PostHog wanted no file for it")
                self.unsent[piece.pair.path] = piece.row()

    async def _send_one(self, sender: FileSender, piece: Piece, ticket: Ticket) -> Ticket | None:
        """Send one file, by a new link where the first one has expired; None, with the outcome noted, if it failed."""
        try:
            try:
                await sender.send(ticket.links, piece.file)
            except LinkExpired:
                again = (await self._start([piece])).get(piece.pair.chunk_id)
                if again is None:
                    raise
                ticket = again
                await sender.send(ticket.links, piece.file)
        except (FileNotSent, LinkRefused) as error:
            self.outcomes[piece.pair.path] = ("failed", str(error))
            return None
        except ApiError as error:
            self.outcomes[piece.pair.path] = ("failed", f"PostHog gave no new link ({error.code})")
            return None
        return ticket

    async def _finish(self, hashes: dict[str, str], batch: list[Piece]) -> None:
        """Tell PostHog that the files of a batch are there. Raises ApiError, after which none of them counts."""
        body = {"content_hashes": hashes}
        try:
            done = await self.api.post("symbol_sets", "bulk_finish_upload", body=body, into=Finished, may_repeat=True)
            failure = None if done.success else "no success"
        except BadRequest as error:
            failure = error.code
        except ApiError as error:
            self._fail(batch, error.code)
            raise
        if failure:
            self._fail(batch, failure)

    def _fail(self, batch: list[Piece], reason: str) -> None:
        """Note that PostHog did not take the files of a batch."""
        for piece in batch:
            if self.outcomes.get(piece.pair.path, ("",))[0] == "uploaded":
                self.outcomes[piece.pair.path] = ("failed", f"PostHog did not take the file ({reason})")

    async def not_there(self, rows: Sequence[Row]) -> set[str] | None:
        """Return the chunk ids that still have to be sent; None where this PostHog cannot tell. Raises ApiError.

        With `force` it lists other content too. Nothing is overwritten by this call.
        """
        missing: set[str] = set()
        for start in range(0, len(rows), MAX_CHECKED):
            body = {"symbol_sets": rows[start : start + MAX_CHECKED], "force": True}
            try:
                checked = await self.api.read("symbol_sets", "bulk_check_upload", body=body, into=Checked)
            except StatusError as error:
                if error.status in NO_SUCH_CALL:
                    return None
                raise
            missing.update(checked.chunk_ids_to_upload)
        return missing


def _pack(pair: Pair, binding: Binding, digests: tuple[bytes, bytes], release_id: str | None) -> Piece:
    """Read a pair, as it is after the injection, and pack it. Raises Unread and DamagedMap."""
    script, source_map = read_whole(pair.script), read_whole(pair.source_map)
    if tuple(hashlib.sha256(content).digest() for content in (script, source_map)) != digests:
        raise Unread("it has changed since it was read")
    file = pack(script, source_map)
    if len(file) > MAX_FILE_BYTES:
        raise Unread(f"it has {len(file):,} bytes; a symbol set has at most {MAX_FILE_BYTES:,}")
    if binding.mode is ReleaseMode.SYMBOL_SET:
        return Piece(pair, file, hash_of_file(file), release_id)
    with_release = bool(binding.release_id)
    content_hash = hash_of_content(script, source_map, pair.chunk_id, with_release=with_release)
    return Piece(pair, file, content_hash, release_id)


def _refused(error: BadRequest) -> Outcome:
    """Say why PostHog takes no file for one symbol set."""
    if error.api_code == "release_id_mismatch":
        return "other_release", ""
    if error.api_code == "content_hash_mismatch":
        return "kept", ""
    return "failed", error.api_code
