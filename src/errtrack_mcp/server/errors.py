"""A failure, in words that a model can act on: the only place that words them.

Every text is `code: what happened. What to do. Whether trying again helps.` in fewer than 600 characters. The codes are
listed in docs/errors.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import ValidationError

from errtrack_mcp.api import errors
from errtrack_mcp.api.errors import ApiError, NotJson
from errtrack_mcp.api.sanitize import clean, quoted
from errtrack_mcp.tools.refusal import Refusal

MAX_LENGTH = 590
KEY_PAGE = "/settings/user-api-keys"
OTHER_REGION = {"us.posthog.com": "https://eu.posthog.com", "eu.posthog.com": "https://us.posthog.com"}
AGAIN = "Trying again later may help."
NOT_AGAIN = "Trying again will not help."
MEND = "Mend this, then try again."
PLAINLY = {"uuid_parsing": "a UUID", "int_parsing": "a whole number", "int_from_float": "a whole number"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A failure for a model: its stable `code`, one line of `text`, and whether the same call may work later.

    `retry_after` is the number of seconds to wait, where that is known.
    """

    code: str
    text: str
    transient: bool
    retry_after: float | None = None

    def structured(self) -> dict[str, Any]:
        """Return the same as JSON."""
        fields = {"code": self.code, "message": self.text, "transient": self.transient}
        return fields if self.retry_after is None else {**fields, "retry_after": self.retry_after}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the failed call was about: which host, which project, which arguments."""

    origin: str
    project: str
    arguments: Mapping[str, Any]

    @property
    def host(self) -> str:
        """The host without its scheme."""
        return urlsplit(self.origin).netloc


def explain(error: ApiError, asked: Asked) -> Explanation:
    """Word what the API, or the way to it, did."""
    if isinstance(error, errors.TransportError):
        words = _no_answer(error, asked)
    elif isinstance(error, errors.InvalidResponse):
        words = _misread(error, asked)
    elif isinstance(error, errors.Forbidden):
        words = _forbidden(error, asked)
    else:
        words = _refused(error, asked)
    retry_after = error.retry_after if isinstance(error, errors.RateLimited) else None
    return _explanation(error.code, words, AGAIN if error.transient else NOT_AGAIN, retry_after)


def explain_arguments(error: ValidationError) -> Explanation:
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
    return _explanation("invalid_arguments", "\n".join(lines), MEND)


def explain_unknown_arguments(unknown: list[str], valid: list[str]) -> Explanation:
    """Say which arguments there are not, and which there are."""
    names = ", ".join(quoted(name, 40) for name in unknown[:5])
    words = f"There is no argument {names}. Valid: {', '.join(valid) or 'none'}."
    return _explanation("invalid_arguments", words, MEND)


def explain_unsendable_arguments(names: list[str]) -> Explanation:
    """Say which arguments hold what JSON in UTF-8, or a database, cannot."""
    words = f"{', '.join(names)} must not hold NUL, half a surrogate pair, NaN or infinity: PostHog cannot store them."
    return _explanation("invalid_arguments", words, MEND)


def explain_unknown_tool(name: str, valid: list[str]) -> Explanation:
    """Say which tools there are, and which one may be meant."""
    near = get_close_matches(name[:100], valid, n=1, cutoff=0.8)
    meant = f" Did you mean {near[0]}?" if near else ""
    words = f"There is no tool {quoted(name)}.{meant} Available: {', '.join(valid)}."
    return _explanation("unknown_tool", words, NOT_AGAIN)


def explain_unknown_prompt(name: str, valid: list[str]) -> Explanation:
    """Say which prompts there are."""
    words = f"There is no prompt {quoted(name)}. Available: {', '.join(valid) or 'none'}."
    return _explanation("unknown_prompt", words, NOT_AGAIN)


def explain_repeated() -> Explanation:
    """Say why a change was not made a second time for a proxy that asked again."""
    words = "The server that began this call went away, so the change may have been made or not. Look before repeating."
    return _explanation("interrupted", words, MEND)


def explain_tool_error(error: ToolError) -> Explanation:
    """Pass on what a tool itself worded with a code in front; anything else is a question that got no clear answer."""
    if isinstance(error, Refusal):
        return _explanation(error.code, error.message, MEND)
    code, colon, rest = str(error).partition(": ")
    if colon and re.fullmatch(r"[a-z_]+", code):
        return _explanation(code, rest, MEND)
    return _explanation("no_clear_answer", "The user's answer could not be read, so nothing was done.", AGAIN)


def explain_client_error(message: str) -> Explanation:
    """Say that the client failed at what it was asked while a call waited, which is before anything is done."""
    asked = "its roots (ERRTRACK_BUILD_ROOT spares that) or its user's consent"
    words = f"The client was asked for {asked}, and failed: {quoted(message, 200)}. Nothing was done."
    return _explanation("client_failed", words, MEND)


def _explanation(code: str, words: str, advice: str, retry_after: float | None = None) -> Explanation:
    """Put code, words and advice together; where that is too long it is the words that are cut."""
    room = MAX_LENGTH - len(code) - len(advice) - 3
    kept = words if len(words) <= room else f"{words[: room - 1]}…"
    return Explanation(code, f"{code}: {kept} {advice}", advice == AGAIN, retry_after)


def _no_answer(error: errors.TransportError, asked: Asked) -> str:
    host = asked.host
    match error:
        case errors.HostNotFound():
            words = f"The name {host} does not resolve. Check POSTHOG_HOST, DNS and the network."
        case errors.ProxyFailed():
            reason = quoted(error.reason, 80)
            words = f"The proxy on the way to {host} failed: {reason}. Check HTTPS_PROXY, and NO_PROXY to go without."
        case errors.TlsFailed():
            reason = clean(error.reason, 120) or "handshake failed"
            words = f"No trusted TLS connection to {host} ({reason}). For a private authority set SSL_CERT_FILE."
        case errors.TimedOut():
            words = f"{host} gave no complete answer within the time allowed (ERRTRACK_TIMEOUT)."
        case _:
            reason = error.reason or "closed"
            words = f"The connection to {host} failed ({reason}). Check that it is up, and any proxy on the way."
    if error.may_have_happened:
        words += " The change may have been made all the same: look before repeating it."
    return words


def _misread(error: errors.InvalidResponse, asked: Asked) -> str:
    host, status = asked.host, error.status
    match error:
        case errors.Redirected():
            to = f" to {quoted(error.detail)}" if error.detail else ""
            return f"{host} redirects{to} (HTTP {status}), which is not followed. Set POSTHOG_HOST to the app itself."
        case errors.TooLarge():
            return f"The answer of {host} is larger than 20 MB. Ask for less with limit, or narrow the search."
        case errors.BadShape():
            fields = clean(error.detail, 150)
            return f"{host} answered HTTP {status} without usable {fields}. Is it a PostHog of a very different age?"
    page = _titled(error.detail)
    return f"{host} did not answer with JSON{page} (HTTP {status}). Is POSTHOG_HOST right, or a proxy in between?"


def _titled(title: str) -> str:
    return f" but with a page titled {quoted(title)}" if title else ""


def _forbidden(error: errors.Forbidden, asked: Asked) -> str:
    keys = f"{asked.origin}{KEY_PAGE}"
    match error:
        case errors.MissingScope():
            return f"The key lacks the scope {error.scope}. Add it to the key at {keys}."
        case errors.KeysNotAllowed():
            return f"{asked.host} does not open this call to personal API keys at all; scopes do not matter here."
    return f"{asked.host} refuses this to the key: {quoted(error.detail, 200)}. See the key's access at {keys}."


def _refused(error: ApiError, asked: Asked) -> str:
    host = asked.host
    match error:
        case errors.Unauthenticated():
            other = OTHER_REGION.get(host)
            region = (
                f"If the account is in the other region, set POSTHOG_HOST to {other}. Otherwise make"
                if other
                else "Make"
            )
            return f"{host} refused the key. {region} a new key at {asked.origin}{KEY_PAGE}."
        case errors.NotFound(detail="Project not found."):
            return f"{host} has no project {asked.project} that this key can see. Check project_id."
        case errors.NotFound():
            return f"Project {asked.project} on {host} has nothing with {_subject(asked)}. List first, then use its id."
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
            code = clean(error.api_code, 60) or "no code"
            return f"{host} refused the request (HTTP {error.status}, {code}): {quoted(error.detail, 200)}."
    raise TypeError(f"{type(error).__name__} has no words yet")


def _subject(asked: Asked) -> str:
    for name in ("id", "hash_id", "release_id"):
        if name in asked.arguments:
            return f"{name} {quoted(str(asked.arguments[name]), 140)}"
    return "that address"
