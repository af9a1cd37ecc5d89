"""Object storage on disk: files by key, and signed addresses."""

import hashlib
import hmac
import re
import secrets
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from errtrack_mcp.sandbox.database import Database

BUILD = Path(__file__).parent / "checkout_app"
PATH = "/object-storage"
LINK_SECONDS = 3600
UPLOAD_SECONDS = 300
MAX_BYTES = 100 * 1024 * 1024
ALGORITHM = "AWS4-HMAC-SHA256"
_KEY = re.compile(r"symbolsets/[A-Za-z0-9-]{1,100}")


class Storage:
    """Files below one directory; a temporary one, removed with the process, where none is given.

    `clock` tells the seconds since 1970 by which addresses expire.
    """

    def __init__(self, directory: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self.clock = clock
        self._secret = secrets.token_bytes(32)

    def write(self, key: str, content: bytes) -> None:
        """Keep a file whole or not at all."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        half.write_bytes(content)
        half.replace(path)

    def read(self, key: str) -> bytes | None:
        """Return a file, or None where there is none."""
        path = self._path(key)
        return path.read_bytes() if path.is_file() else None

    def size(self, key: str) -> int | None:
        """Return how many bytes a file has, or None where there is none."""
        path = self._path(key)
        return path.stat().st_size if path.is_file() else None

    def delete(self, key: str) -> None:
        """Remove a file; one that is not there is as good as removed."""
        self._path(key).unlink(missing_ok=True)

    def download_url(self, base: str, key: str) -> str:
        """Return a signed address that gives the file to anybody for an hour."""
        expires = int(self.clock()) + LINK_SECONDS
        query = {"X-Amz-Algorithm": ALGORITHM, "X-Amz-Expires": str(LINK_SECONDS), "Expires": str(expires)}
        query["X-Amz-Signature"] = self.sign("GET", key, expires)
        return f"{base}{PATH}/{quote(key)}?{urlencode(query)}"

    def presigned_post(self, base: str, key: str) -> dict[str, Any]:
        """Return a signed form by which anybody can send one file of up to 100 MiB within five minutes."""
        expires = int(self.clock()) + UPLOAD_SECONDS
        fields = {"key": key, "X-Amz-Algorithm": ALGORITHM, "Expires": str(expires)}
        fields["X-Amz-Signature"] = self.sign("POST", key, expires)
        return {"url": f"{base}{PATH}/", "fields": fields}

    def presigned_put(self, base: str, key: str, length: int) -> str:
        """Return a signed address to which anybody can put one file of exactly this length within five minutes."""
        expires = int(self.clock()) + UPLOAD_SECONDS
        query = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Expires": str(UPLOAD_SECONDS),
            "X-Amz-SignedHeaders": "content-length;host",
            "Expires": str(expires),
            "X-Amz-Signature": self.sign(f"PUT {length}", key, expires),
        }
        return f"{base}{PATH}/{quote(key)}?{urlencode(query)}"

    def sign(self, method: str, key: str, expires: int) -> str:
        """Sign one method on one key until a moment."""
        return hmac.new(self._secret, f"{method} {key} {expires}".encode(), hashlib.sha256).hexdigest()

    def permits(self, method: str, key: str, expires: str, signature: str) -> bool:
        """Return whether a signature is ours, belongs to this method and key, and has not expired."""
        if not re.fullmatch(r"[0-9]{1,12}", expires) or int(expires) <= self.clock():
            return False
        return hmac.compare_digest(self.sign(method, key, int(expires)).encode(), signature.encode())

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no key of a symbol set's file")
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="errtrack-sandbox-"))
            weakref.finalize(self, shutil.rmtree, self._directory, ignore_errors=True)
        return self._directory / key


def storage_routes(storage: Storage, database: Database) -> list[Route]:
    """Return the routes of the storage itself, which knows signatures and no keys of PostHog's."""

    async def download(request: Request) -> Response:
        key: str = request.path_params["key"]
        if not _is_signed(storage, request, "GET"):
            return storage_error(403, "AccessDenied")
        content = storage.read(key) or seeded_file(database, key)
        if content is None:
            return storage_error(404, "NoSuchKey")
        return Response(content, media_type="application/octet-stream")

    async def upload(request: Request) -> Response:
        async with request.form() as form:
            fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
            key, file = fields.get("key", ""), form.get("file")
            expires, signature = fields.get("Expires", ""), fields.get("X-Amz-Signature", "")
            if not storage.permits("POST", key, expires, signature):
                return storage_error(403, "AccessDenied")
            if not isinstance(file, UploadFile):
                return storage_error(400, "InvalidArgument")
            if (file.size or 0) > MAX_BYTES:
                return storage_error(400, "EntityTooLarge")
            storage.write(key, await file.read())
        return Response(status_code=204)

    async def put(request: Request) -> Response:
        if not _is_signed(storage, request, f"PUT {request.headers.get('content-length', '')}"):
            return storage_error(403, "AccessDenied")
        storage.write(request.path_params["key"], await request.body())
        return Response()

    return [
        Route(f"{PATH}/", upload, methods=["POST"]),
        Route(f"{PATH}/{{key:path}}", download, methods=["GET"]),
        Route(f"{PATH}/{{key:path}}", put, methods=["PUT"]),
    ]


def _is_signed(storage: Storage, request: Request, method: str) -> bool:
    """Return whether the query of a request holds a signature for its key and this method."""
    key, query = request.path_params["key"], request.query_params
    expires, signature = query.get("Expires", ""), query.get("X-Amz-Signature", "")
    return bool(_KEY.fullmatch(key)) and storage.permits(method, key, expires, signature)


def storage_error(status: int, code: str) -> Response:
    """Answer as object storage does, in XML."""
    return Response(f"<Error><Code>{code}</Code></Error>", status, media_type="application/xml")


def seeded_file(database: Database, key: str) -> bytes | None:
    """Make up the file of a symbol set whose upload is finished but was seeded, not made."""
    sql = "SELECT ref FROM symbol_sets WHERE storage_ptr = ? AND content_hash IS NOT NULL"
    row = database.one(sql, (key,))
    return None if row is None else container(row["ref"])


def container(ref: str) -> bytes:
    """Write the build of the small app in PostHog's container (version 2, not compressed), as the chunk `ref`."""
    script = (BUILD / "checkout.js").read_bytes()
    parts = (script + f"\n//# chunkId={ref}".encode(), (BUILD / "checkout.js.map").read_bytes())
    header = b"posthog_error_tracking" + (2).to_bytes(4, "little") + (2).to_bytes(4, "little") + b"\0"
    return header + b"".join(len(part).to_bytes(8, "little") + part for part in parts)
