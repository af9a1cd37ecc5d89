"""The message for each failure, in a sentence that a model can act on.

Every text is `code: what happened. What to do. Whether trying again helps.` in fewer than 600 characters. The codes are
listed in docs/errors.md.
"""

import re
from difflib import get_close_matches
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import ValidationError

from errtrack_mcp.api import errors
from errtrack_mcp.api.errors import ApiError, NotJson
from errtrack_mcp.api.posthog import SCOPES, US, key_page, other_region
from errtrack_mcp.api.sanitize import clean, quoted
from errtrack_mcp.tools.refusal import Refusal

MAX_LENGTH = 590
AGAIN = "Trying again later may help."
NOT_AGAIN = "Trying again will not help."
FIX = "Fix this, then try again."
NO_KEY = (
    "There is no key, so nothing was sent. The user runs in a terminal: errtrack-mcp login{host}; this server need not "
    "be started again. Or they create a personal API key at {page} with the scopes {scopes}, set "
    "POSTHOG_PERSONAL_API_KEY to it where the MCP client configures this server, and start the server again."
)
MERGED = " An issue that was merged is gone: the address of its page with ?fingerprint= leads to the one it became."
PLAINLY = {"uuid_parsing": "a UUID", "int_parsing": "a whole number", "int_from_float": "a whole number"}


OWN_CODES = frozenset(
    {"client_failed", "interrupted", "invalid_arguments", "no_clear_answer", "unknown_prompt", "unknown_tool"}
)


class ErrorMessage(NamedTuple):
    """A failure for a model: its stable `code`, one line of `text`, and whether the same call may work later.

    `retry_after` is the number of seconds to wait, where that is known.
    """

    code: str
    text: str
    transient: bool
    retry_after: float | None = None

    def structured(self) -> dict[str, Any]:
        """Return what a program needs as JSON, without the sentence: some clients show the model both."""
        fields = {"code": self.code, "transient": self.transient}
        return fields if self.retry_after is None else {**fields, "retry_after": self.retry_after}


def message_for_api_error(error: ApiError) -> ErrorMessage:
    """Word what the API, or the way to it, did."""
    if isinstance(error, errors.NoKey):
        return _error_message(error.code, _no_key(error), FIX)
    if isinstance(error, errors.TransportError):
        message = _no_answer(error)
    elif isinstance(error, errors.InvalidResponse):
        message = _misread(error)
    elif isinstance(error, errors.Forbidden):
        message = _forbidden(error)
    elif isinstance(error, errors.UnusableName):
        message = f"{quoted(error.name)} cannot be a part of an address, so nothing was sent. Use the id from a list."
    else:
        message = _refused(error)
    retry_after = error.retry_after if isinstance(error, errors.RateLimited) else None
    return _error_message(error.code, message, AGAIN if error.transient else NOT_AGAIN, retry_after)


def message_for_arguments(error: ValidationError) -> ErrorMessage:
    """Word what is wrong with the arguments, one short line for each."""
    lines = []
    for problem in error.errors(include_url=False):
        name = ".".join(str(part) for part in problem["loc"]) or "arguments"
        if problem["type"] == "missing":
            lines.append(f"{name} is required.")
            continue
        if problem["type"] in {"too_short", "string_too_short"} and not problem["input"]:
            lines.append(f"{name} must not be empty.")
            continue
        if problem["type"] in PLAINLY:
            lines.append(f"{name} should be {PLAINLY[problem['type']]}, got {quoted(str(problem['input']), 60)}.")
            continue
        message = problem["msg"].removeprefix("Value error, ").replace("Input should", "should", 1)
        lines.append(f"{name} {message}, got {quoted(str(problem['input']), 60)}.")
    return _error_message("invalid_arguments", "\n".join(lines), FIX)


def message_for_unknown_arguments(unknown: list[str], valid: list[str]) -> ErrorMessage:
    """Say which arguments there are not, and which there are."""
    names = ", ".join(quoted(name, 40) for name in unknown[:5])
    message = f"There is no argument {names}. Valid: {', '.join(valid) or 'none'}."
    return _error_message("invalid_arguments", message, FIX)


def message_for_unsendable_arguments(names: list[str]) -> ErrorMessage:
    """Say which arguments hold what JSON in UTF-8, or a database, cannot."""
    message = (
        f"{', '.join(names)} must not hold NUL, half a surrogate pair, NaN or infinity: PostHog cannot store them."
    )
    return _error_message("invalid_arguments", message, FIX)


def message_for_unknown_tool(name: str, valid: list[str]) -> ErrorMessage:
    """Say which tools there are, and which one may be meant."""
    near = get_close_matches(name[:100], valid, n=1, cutoff=0.8)
    meant = f" Did you mean {near[0]}?" if near else ""
    message = f"There is no tool {quoted(name)}.{meant} Available: {', '.join(valid)}."
    return _error_message("unknown_tool", message, NOT_AGAIN)


def message_for_unknown_prompt(name: str, valid: list[str]) -> ErrorMessage:
    """Say which prompts there are."""
    message = f"There is no prompt {quoted(name)}. Available: {', '.join(valid) or 'none'}."
    return _error_message("unknown_prompt", message, NOT_AGAIN)


def message_for_repeated_change() -> ErrorMessage:
    """Say why a change was not made a second time for a proxy that asked again."""
    message = (
        "The server that began this call went away, so the change may have been made or not. Look before repeating."
    )
    return _error_message("interrupted", message, FIX)


def message_for_refusal(refusal: Refusal) -> ErrorMessage:
    """Pass on why a tool did not do what it was asked."""
    return _error_message(refusal.code, refusal.message, FIX)


def message_for_unclear_answer() -> ErrorMessage:
    """Say that the client answered a question with something else than was asked for."""
    return _error_message("no_clear_answer", "The user's answer could not be read, so nothing was done.", AGAIN)


def message_for_client_error(message: str) -> ErrorMessage:
    """Say that the client failed at what it was asked while a call waited, which is before anything is done."""
    asked = "its roots (ERRTRACK_BUILD_ROOT spares that) or its user's consent"
    message = f"The client was asked for {asked}, and failed: {quoted(message, 200)}. Nothing was done."
    return _error_message("client_failed", message, FIX)


def _error_message(code: str, message: str, advice: str, retry_after: float | None = None) -> ErrorMessage:
    """Put code, message and advice together; where that is too long, the message is cut."""
    room = MAX_LENGTH - len(code) - len(advice) - 3
    kept = message if len(message) <= room else f"{message[: room - 1]}…"
    return ErrorMessage(code, f"{code}: {kept} {advice}", advice == AGAIN, retry_after)


def _no_key(error: errors.NoKey) -> str:
    if error.reason:
        return f"{error.reason} Nothing was sent."
    origin = error.request.origin
    host = "" if origin == US else f" --host {origin}"
    return NO_KEY.format(host=host, page=key_page(origin), scopes=SCOPES)


def _no_answer(error: errors.TransportError) -> str:
    host = _host(error)
    match error:
        case errors.HostNotFound():
            message = f"The name {host} does not resolve. Check POSTHOG_HOST, DNS and the network."
        case errors.ProxyFailed():
            reason = quoted(error.reason, 80)
            message = f"The proxy on the way to {host} failed: {reason}. Check HTTPS_PROXY, and NO_PROXY to go without."
        case errors.TlsFailed():
            reason = clean(error.reason, 120) or "handshake failed"
            message = f"No trusted TLS connection to {host} ({reason}). For a private authority set SSL_CERT_FILE."
        case errors.TimedOut():
            message = f"{host} gave no complete answer within the time allowed (ERRTRACK_TIMEOUT)."
        case _:
            reason = error.reason or "closed"
            message = f"The connection to {host} failed ({reason}). Check that it is up, and any proxy on the way."
    if error.may_have_happened:
        message += " The change may have been made all the same: look before repeating it."
    return message


def _misread(error: errors.InvalidResponse) -> str:
    host, status = _host(error), error.status
    match error:
        case errors.Redirected():
            to = f" to {quoted(error.detail)}" if error.detail else ""
            return f"{host} redirects{to} (HTTP {status}), which is not followed. Set POSTHOG_HOST to the app itself."
        case errors.IssueMerged():
            return f"This issue was merged into issue {error.issue_id}, which has its errors now. Ask for that one."
        case errors.TooLarge():
            size = f"{error.limit / 1_000_000:g} MB"
            return f"The answer of {host} is larger than {size}. Ask for less with limit, or narrow the search."
        case errors.BadShape():
            fields = clean(error.detail, 150)
            return f"{host} answered HTTP {status} without usable {fields}. Is it a PostHog of a very different age?"
    page = _titled(error.detail)
    return f"{host} did not answer with JSON{page} (HTTP {status}). Is POSTHOG_HOST right, or a proxy in between?"


def _titled(title: str) -> str:
    return f" but with a page titled {quoted(title)}" if title else ""


def _forbidden(error: errors.Forbidden) -> str:
    keys = key_page(error.request.origin)
    match error:
        case errors.MissingScope():
            return f"The key lacks the scope {error.scope}. Add it to the key at {keys}."
        case errors.KeysNotAllowed():
            return f"{_host(error)} does not open this call to personal API keys at all; scopes do not matter here."
    return f"{_host(error)} refuses this to the key: {quoted(error.detail, 200)}. See the key's access at {keys}."


def _refused(error: ApiError) -> str:
    host = _host(error)
    match error:
        case errors.Unauthenticated():
            other = other_region(error.request.origin)
            region = (
                f"If the account is in the other region, set POSTHOG_HOST to {other}. Otherwise make"
                if other
                else "Make"
            )
            return f"{host} refused the key. {region} a new key at {key_page(error.request.origin)}."
        case errors.NotFound(detail="Project not found."):
            return f"{host} has no project {error.request.project} that this key can see. Check project_id."
        case errors.NotFound():
            here = f"Project {error.request.project} on {host}"
            gone = MERGED if error.request.path[:1] == ("issues",) else ""
            return f"{here} has nothing with {_subject(error)}.{gone} List first, then use its id."
        case errors.HashTaken():
            return f"This hash_id is taken by {error.holder or 'another release'}. Choose another, or update that one."
        case errors.RateLimited():
            wait = f"Wait {error.retry_after:.0f} seconds" if error.retry_after is not None else "Wait a minute"
            return f"{host} limits the rate of requests. {wait} before the next call."
        case errors.ServerError():
            page = f" and did not answer with JSON{_titled(error.detail)}" if error.api_code == NotJson.code else ""
            return (
                f"{host} failed with HTTP {error.status}{page}. Check its status page or logs, or a proxy in between."
            )
        case errors.BadRequest():
            known = re.fullmatch("[a-z_]{1,40}", error.api_code)
            code = error.api_code if known else quoted(error.api_code, 60) if error.api_code else "no code"
            return f"{host} refused the request (HTTP {error.status}, {code}): {quoted(error.detail, 200)}."
    raise TypeError(f"{type(error).__name__} has no message yet")


def _host(error: ApiError) -> str:
    return urlsplit(error.request.origin).netloc


def _subject(error: ApiError) -> str:
    """Name what the request was about: the last part of its path, after the collection."""
    *_, name = ("", *error.request.path[1:])
    kind = "hash_id" if "hash" in error.request.path[1:-1] else "id"
    return f"{kind} {quoted(name, 140)}" if name else "that address"
