"""Facts about PostHog that more than one module needs: hosts, keys, scopes, rate limits, pages of the web app. Pure.

The sandbox keeps its own copies: it would prove nothing about facts that it shares with the code under test.
"""

from dataclasses import dataclass
from urllib.parse import quote

US, EU = "https://us.posthog.com", "https://eu.posthog.com"
REGIONS = frozenset({US, EU})
REGION_NAMES = {US: "PostHog Cloud US", EU: "PostHog Cloud EU"}
INGEST_SUFFIX, APP_SUFFIX = ".i.posthog.com", ".posthog.com"  # events go to the first, this API answers at the second

READ_SCOPE, WRITE_SCOPE = "error_tracking:read", "error_tracking:write"
QUERY_SCOPE = "query:read"
SCOPES = f"{READ_SCOPE} and {WRITE_SCOPE}"

KEY_PAGE = "/settings/user-api-keys"


@dataclass(frozen=True, slots=True)
class KeyKind:
    """One kind of key, by its prefix; `opens_the_api`: this API takes it."""

    prefix: str
    name: str
    opens_the_api: bool


PERSONAL_KEY = KeyKind("phx_", "personal API key", opens_the_api=True)
OAUTH_TOKEN = KeyKind("pha_", "OAuth token", opens_the_api=True)
PROJECT_TOKEN = KeyKind("phc_", "public project token", opens_the_api=False)
PROJECT_SECRET = KeyKind("phs_", "project secret key", opens_the_api=False)
KEY_KINDS = (PERSONAL_KEY, OAUTH_TOKEN, PROJECT_TOKEN, PROJECT_SECRET)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests in so many seconds, for each key."""

    requests: int
    seconds: int


# docs/posthog-api.md, section 2.2
DEFAULT_LIMITS = (RateLimit(480, 60), RateLimit(4_800, 3_600))
SYMBOL_SET_LIMITS = (RateLimit(1_200, 60), RateLimit(12_000, 3_600))


def kind_of_key(key: str) -> KeyKind | None:
    """Return the kind of a key; None for a prefix that is not known."""
    return next((kind for kind in KEY_KINDS if key.startswith(kind.prefix)), None)


def other_region(origin: str) -> str | None:
    """Return the other region of PostHog Cloud; None for an installation of its own."""
    return {US: EU, EU: US}.get(origin)


def app_host(hostname: str) -> str | None:
    """Return the host of the app for a host that only takes events; None for any other host."""
    if not hostname.endswith(INGEST_SUFFIX):
        return None
    return hostname.removesuffix(INGEST_SUFFIX) + APP_SUFFIX


def key_page(origin: str) -> str:
    """Return the page on which a person makes a personal API key."""
    return origin + KEY_PAGE


def releases_url(origin: str, project: str | int) -> str:
    """Return the page of all releases; a single release has none."""
    return _configuration(origin, project, "error-tracking-releases")


def symbol_sets_url(origin: str, project: str | int) -> str:
    """Return the page of all symbol sets; a single symbol set has none."""
    return _configuration(origin, project, "error-tracking-symbol-sets")


def issues_url(origin: str, project: str | int) -> str:
    """Return the page of all issues."""
    return f"{_project(origin, project)}/error_tracking"


def issue_url(origin: str, project: str | int, issue_id: str) -> str:
    """Return the page of one issue."""
    return f"{_project(origin, project)}/error_tracking/{quote(issue_id, safe='')}"


def _configuration(origin: str, project: str | int, setting: str) -> str:
    return f"{_project(origin, project)}/error_tracking?activeTab=configuration#selectedSetting={setting}"


def _project(origin: str, project: str | int) -> str:
    """Leave the project out where only `@current` is known: the app then opens the one that the person sees."""
    return origin if str(project) == "@current" else f"{origin}/project/{project}"
