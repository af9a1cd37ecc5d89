"""Facts about PostHog: what follows from a host, a key or a project."""

import pytest

from errtrack_mcp.api.posthog import (
    EU,
    US,
    app_host,
    issue_url,
    key_page,
    kind_of_key,
    other_region,
    releases_url,
    symbol_sets_url,
)


def test_each_region_has_the_other_and_an_installation_of_its_own_has_none() -> None:
    """Only PostHog Cloud has regions."""
    assert (other_region(US), other_region(EU), other_region("https://posthog.example")) == (EU, US, None)


@pytest.mark.parametrize(
    ("key", "opens"), [("phx_a", True), ("pha_a", True), ("phc_a", False), ("phs_a", False), ("sk_a", None), ("", None)]
)
def test_a_key_is_known_by_its_prefix(key: str, opens: bool | None) -> None:  # noqa: FBT001
    """An unknown prefix is unknown, not refused and not accepted."""
    kind = kind_of_key(key)
    assert (kind.opens_the_api if kind else None) is opens


def test_an_ingest_host_names_its_app() -> None:
    """Events go to one host, this API answers at another."""
    assert app_host("eu.i.posthog.com") == "eu.posthog.com"
    assert app_host("eu.posthog.com") is None
    assert app_host("i.posthog.com.example") is None


def test_links_lead_into_the_project_that_is_known() -> None:
    """Where only @current is known the app opens the project that the person sees."""
    assert issue_url(US, 7, "a/b") == "https://us.posthog.com/project/7/error_tracking/a%2Fb"
    assert releases_url(US, "@current").startswith("https://us.posthog.com/error_tracking?activeTab=configuration#")
    assert symbol_sets_url(EU, "7").endswith("#selectedSetting=error-tracking-symbol-sets")
    assert key_page(EU) == "https://eu.posthog.com/settings/user-api-keys"
