"""What SDKs send: a body with one event or several, and the exceptions and raw frames in it. Pure."""

import base64
import binascii
import json
import zlib
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qs

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

MAX_BODY_BYTES = 20 << 20  # as sent, and unpacked
MAX_EVENTS = 1_000  # in a body
MAX_EXCEPTIONS = 50  # of an event
MAX_FRAMES = 1_000  # of an event
MAX_DEPTH = 100  # of objects and lists in each other
MAX_VALUE_LENGTH = 10_000  # characters of an exception's message that are kept

Read = TypeVar("Read")

_GZIP = b"\x1f\x8b"
_FORM = b"data="
_TOO_LARGE = f"the body has more than {MAX_BODY_BYTES >> 20} MB"
_UNSIGNED = Annotated[int, Field(ge=0, lt=2**32 - 1)]


class Unreadable(Exception):  # noqa: N818 - named after what it is
    """A body that is not taken; the message says why, as the end of a sentence about it."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class RawFrame(BaseModel):
    """A frame as its SDK sends it; lines are counted from 1."""

    model_config = ConfigDict(extra="allow")

    platform: Literal["web:javascript", "javascript", "node:javascript", "python"]
    function: str = "?"
    filename: str | None = None
    lineno: _UNSIGNED | None = None
    colno: _UNSIGNED | None = None
    chunk_id: str | None = Field(None, max_length=2_048, validation_alias=AliasChoices("chunk_id", "chunkId"))
    module: str | None = None
    in_app: bool = True
    synthetic: bool = False
    abs_path: str | None = None
    context_line: str | None = None
    pre_context: list[str] = []
    post_context: list[str] = []
    code_variables: Any = None


class Stack(BaseModel):
    """The frames of an exception, the outermost call first."""

    frames: list[RawFrame] = []


class RawException(BaseModel):
    """An exception as its SDK sends it."""

    id: str | None = None
    type: str
    value: str = ""
    mechanism: dict[str, Any] | None = None
    module: str | None = None
    thread_id: int | None = None
    stacktrace: Stack | None = None


class ExceptionProperties(BaseModel):
    """What is read of the properties of an exception event; the others are kept as they are."""

    exceptions: list[RawException] = Field(alias="$exception_list", min_length=1, max_length=MAX_EXCEPTIONS)
    fingerprint: str | None = Field(None, alias="$exception_fingerprint", max_length=400)
    release_id: Any = Field(None, alias="$release_id")


class CapturedEvent(BaseModel):
    """An event of a body; `offset` is how many milliseconds ago it happened, where there is no timestamp."""

    event: str
    uuid: str | None = None
    distinct_id: str | int | None = None
    timestamp: str | None = None
    offset: int | None = None
    properties: dict[str, Any] = {}


class Captured(BaseModel):
    """A body: the token of the project, when the SDK sent it, and its events."""

    token: str
    sent_at: str | None = None
    events: list[CapturedEvent] = Field(max_length=MAX_EVENTS)


_EXCEPTION = TypeAdapter(ExceptionProperties)
_CAPTURED = TypeAdapter(Captured)


def read_captured(content: bytes, compression: str | None = None) -> Captured:
    """Read a body in each form that SDKs use: JSON, in gzip, or in base64 in a form (`compression=base64`).

    It holds one event, a list of events, or an object with a `batch`. The token stands beside it, or on the first
    event. Raises Unreadable.
    """
    data = _parse(_unpacked(content, compression))
    batch = data.get("batch", [data]) if isinstance(data, dict) else data
    if not isinstance(batch, list) or not all(isinstance(each, dict) for each in batch):
        raise Unreadable("it is neither an event, nor a list of events, nor an object with a batch of them")
    around = data if isinstance(data, dict) else {}
    found = (_token(each) for each in (around, *batch[:1]))
    token = next((each for each in found if each), "")
    if not token:
        raise Unreadable("it names no project: send the project's token as api_key or token", 401)
    return _validated(_CAPTURED, {"token": token, "sent_at": around.get("sent_at"), "events": batch})


def read_exceptions(event: CapturedEvent) -> ExceptionProperties:
    """Read the exceptions of an `$exception` event. Raises Unreadable."""
    properties = _validated(_EXCEPTION, event.properties)
    frames = sum(len(each.stacktrace.frames) for each in properties.exceptions if each.stacktrace)
    if frames > MAX_FRAMES:
        raise Unreadable(f"an event has {frames:,} frames; {MAX_FRAMES:,} is the most")
    for exception in properties.exceptions:
        exception.value = exception.value[:MAX_VALUE_LENGTH]
    return properties


def distinct_id(event: CapturedEvent) -> str:
    """Return who it happened to. Raises Unreadable where the event does not say."""
    found = event.distinct_id or event.properties.get("distinct_id") or event.properties.get("$distinct_id")
    if not isinstance(found, str | int) or not str(found):
        raise Unreadable(f"an event {event.event[:100]!r} has no distinct_id")
    return str(found)[:200]


def _token(item: dict[str, Any]) -> str:
    properties = item.get("properties")
    inner = properties.get("token") if isinstance(properties, dict) else None
    found = next((each for each in (item.get("api_key"), item.get("token"), inner) if each), "")
    return found if isinstance(found, str) else ""


def _unpacked(content: bytes, compression: str | None) -> bytes:
    if len(content) > MAX_BODY_BYTES:
        raise Unreadable(_TOO_LARGE, 413)
    if content.startswith(_GZIP):  # posthog-js says so nowhere else
        return _decompressed(content)
    if compression == "base64" or content.startswith(_FORM):
        try:
            text = content.decode("ascii")
            form = parse_qs(text, max_num_fields=10) if content.startswith(_FORM) else {"data": [text]}
            return base64.b64decode(form["data"][0].replace(" ", "+"), validate=True)
        except (KeyError, UnicodeDecodeError, ValueError, binascii.Error):
            raise Unreadable("it is not in base64") from None
    return content


def _decompressed(content: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(content, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise Unreadable("its gzip data is damaged") from None
    if len(unpacked) > MAX_BODY_BYTES:
        raise Unreadable(_TOO_LARGE, 413)
    if not unpacker.eof:
        raise Unreadable("its gzip data ends too early")
    return unpacked


def _parse(content: bytes) -> Any:
    """Read JSON; half of a pair of surrogates, which a cut message ends with, is replaced as PostHog does."""
    try:
        data = json.loads(content, parse_constant=_no_constant)
        if b"\\ud" in content.lower():
            data = json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON that can be read") from None
    if _is_deep(data):
        raise Unreadable(f"it is nested more than {MAX_DEPTH} deep")
    return data


def _is_deep(data: Any) -> bool:
    level = [data]
    for _ in range(MAX_DEPTH):
        nested = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [inner for each in nested for inner in each]
    return bool(level)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _validated(adapter: TypeAdapter[Read], value: Any) -> Read:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Unreadable(f"{place}: {first['msg'][:200]}") from None
