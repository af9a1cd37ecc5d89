"""PostHog's login for command lines: a code, a person who allows it, a key (docs/posthog-api.md, section 13)."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import anyio
from pydantic import Field, SecretStr

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import (
    BadRequest,
    InvalidResponse,
    NotFound,
    NotJson,
    RateLimited,
    ServerError,
    TransportError,
)
from errtrack_mcp.api.models import ApiModel
from errtrack_mcp.api.posthog import PERSONAL_KEY, SCOPES, key_page
from errtrack_mcp.api.retry import RetryPolicy
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.api.transport import Transport
from errtrack_mcp.settings import PersonalKey

MISSING = 404
MAX_INTERVAL = 60
MAX_SECONDS = 1800
LOST = "The code is used up or too old, and an answer of PostHog was lost on the way"
REFUSED = "The code is too old, and PostHog refused the last question about it as one too many"
USE_CASE = "use_cases=error_tracking"


class LoginFailed(Exception):  # noqa: N818 - named after what happened
    """There is no key; the message says why, and what to do."""


class DeviceCode(ApiModel):
    """A code to ask with, and what a person needs to allow it."""

    device_code: SecretStr
    user_code: str = Field(max_length=40)
    verification_uri: str = Field(max_length=500)
    verification_uri_complete: str = Field(max_length=500)
    expires_in: float = Field(600, ge=1)
    interval: float = Field(5, ge=0)

    @property
    def seconds(self) -> float:
        """How long the code is good."""
        return min(self.expires_in, MAX_SECONDS)

    @property
    def page(self) -> str:
        """The page on which a person allows it, with the code and the scope for error tracking filled in."""
        address = self.verification_uri_complete
        return f"{address}{'&' if '?' in address else '?'}{USE_CASE}"

    def is_at(self, origin: str) -> bool:
        """Return whether the page is one of this host, which alone may be opened unseen."""
        try:
            parts = urlsplit(self.page)
        except ValueError:
            return False
        return f"{parts.scheme}://{parts.netloc}" == origin and clean(self.page) == self.page


class DeviceAnswer(ApiModel):
    """The answer to whether the code was allowed; `scopes` are missing on older installations."""

    status: str
    personal_api_key: PersonalKey | None = None
    label: str = ""
    project_id: str = Field("", pattern="^([1-9][0-9]{0,17})?$")
    scopes: list[str] | None = None


def anonymous_client(transport: Transport, timeout: float) -> Client:
    """Return a client of the login, which sends no key and asks each thing once."""
    retry = RetryPolicy(attempts=0, max_rate_limit_wait=0)
    return Client(transport, None, ("cli-auth",), timeout, retry, base=(), anonymous=True)


async def ask_for_code(api: Client) -> DeviceCode:
    """Begin a login. Raises LoginFailed for an installation that has none, and ApiError."""
    try:
        return await api.post("device-code", body={}, into=DeviceCode)
    except (NotFound, NotJson) as error:
        if error.status != MISSING:
            raise
        raise LoginFailed(
            f"{api.origin} has no login for command lines. Create a personal API key at {key_page(api.origin)} with "
            f"the scopes {SCOPES}, and set POSTHOG_PERSONAL_API_KEY to it where your client configures this server."
        ) from None


async def wait_for_key(
    api: Client,
    code: DeviceCode,
    *,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    clock: Callable[[], float] = anyio.current_time,
) -> DeviceAnswer:
    """Ask until somebody has allowed the code, and return the answer with the key; never faster than it is told.

    A connection that fails ends nothing, and neither does a refusal to be asked so often, whatever wait it names: the
    page stays open. The last question comes while the code is good. Raises LoginFailed where no key can come any
    more, and ApiError.
    """
    asked = {"device_code": code.device_code.get_secret_value()}
    interval = min(max(code.interval, 1), MAX_INTERVAL)
    end = clock() + code.seconds - interval
    pause, trouble = interval, ""
    while (left := end - clock()) > 0:
        await sleep(max(interval, min(pause, left)))
        pause = interval
        try:
            answer = await api.post("poll", body=asked, into=DeviceAnswer)
        except RateLimited as error:
            pause = min(max(interval, error.retry_after or interval), MAX_INTERVAL)
            trouble = trouble or REFUSED
        except (TransportError, ServerError) as error:
            if not error.transient:
                raise
            trouble = LOST
        except InvalidResponse as error:
            raise LoginFailed(_perhaps_made(api, "The answer of PostHog could not be read")) from error
        except BadRequest:
            break
        else:
            if answer.status != "pending":
                return _checked(api, answer)
            trouble = trouble if trouble == LOST else ""
    raise LoginFailed(_expired(api, trouble))


def _checked(api: Client, answer: DeviceAnswer) -> DeviceAnswer:
    """Return an answer that holds a key, and refuse any other."""
    key = answer.personal_api_key
    if answer.status == "authorized" and key and key.get_secret_value().startswith(PERSONAL_KEY.prefix):
        return answer
    raise LoginFailed(_perhaps_made(api, "PostHog answered with something else than a personal API key"))


def _expired(api: Client, trouble: str) -> str:
    if trouble:
        return _perhaps_made(api, trouble)
    return "The code is too old: nobody has allowed it in time. Run errtrack-mcp login again."


def _perhaps_made(api: Client, what: str) -> str:
    return (
        f"{what}. If you have allowed it, there is a key by now that nobody has: delete it at "
        f"{key_page(api.origin)} (its name begins with CLI), and run errtrack-mcp login again."
    )
