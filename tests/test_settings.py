"""Settings: what is accepted, and the sentence for what is not."""

from pathlib import Path

import pytest

from errtrack_mcp.client_config.clients import CLIENTS
from errtrack_mcp.settings import ConfigurationError, load_settings


def problems(**variables: str) -> str:
    """Return the sentences for settings that must be refused."""
    with pytest.raises(ConfigurationError) as raised:
        load_settings(None, **variables)
    return "\n".join(raised.value.problems)


def test_nothing_set_leads_to_the_us_region() -> None:
    """Without any variable the host is US, and no project is fixed."""
    settings = load_settings()
    assert settings.host == "https://us.posthog.com"
    assert (settings.project_id, settings.environment_id, settings.personal_api_key) == (None, None, None)
    assert (settings.timeout, settings.read_only) == (30, False)


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every documented variable has its effect; an empty one has none."""
    for name, value in {
        "POSTHOG_PERSONAL_API_KEY": " phx_k \n",
        "POSTHOG_HOST": "https://EU.posthog.com/",
        "POSTHOG_PROJECT_ID": "",
        "POSTHOG_ENVIRONMENT_ID": "7",
        "ERRTRACK_TIMEOUT": "5",
        "ERRTRACK_READ_ONLY": "1",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.personal_api_key is not None
    assert settings.personal_api_key.get_secret_value() == "phx_k"
    assert settings.host == "https://eu.posthog.com"
    assert (settings.project_id, settings.environment_id) == (None, "7")
    assert (settings.timeout, settings.read_only) == (5, True)


def test_a_file_is_read_only_when_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A .env in the working directory is ignored; a named one is read, and the environment wins over it."""
    (tmp_path / ".env").write_text("POSTHOG_HOST=https://evil.example\nERRTRACK_TIMEOUT=9\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings().host == "https://us.posthog.com"
    monkeypatch.setenv("POSTHOG_HOST", "https://eu.posthog.com")
    named = load_settings(tmp_path / ".env")
    assert (named.host, named.timeout) == ("https://eu.posthog.com", 9)
    with pytest.raises(ConfigurationError, match="--env-file"):
        load_settings(tmp_path / "missing.env")


@pytest.mark.parametrize("key", ["phc_canary", "phs_canary", "phx_can ary", "phx_canary\u200b", "phx_\ncanary"])
def test_unusable_keys_are_refused_without_repeating_them(key: str) -> None:
    """The sentence names the variable and what is needed, and never holds the key."""
    text = problems(POSTHOG_PERSONAL_API_KEY=key)
    assert text.startswith("POSTHOG_PERSONAL_API_KEY ")
    assert "canary" not in text


@pytest.mark.parametrize("client", ["claude-code", "cursor", "gemini"])
def test_a_reference_that_a_client_left_as_it_was_is_reported(client: str) -> None:
    """A client that does not find the variable may hand over the reference instead."""
    text = problems(POSTHOG_PERSONAL_API_KEY=CLIENTS[client].reference)
    assert text.startswith("POSTHOG_PERSONAL_API_KEY holds a reference to itself")
    assert "that the client is started from" in text


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("https://us.i.posthog.com", "use https://us.posthog.com"),
        ("https://eu.i.posthog.com", "use https://eu.posthog.com"),
        ("us.posthog.com", "https://us.posthog.com"),
        ("ftp://us.posthog.com", "https://us.posthog.com"),
        ("https://us.posthog.com/project/1", "scheme and host only"),
        ("https://key@us.posthog.com", "scheme and host only"),
        ("http://posthog.internal", "ERRTRACK_ALLOW_HTTP=1"),
        ("https://a;id", "letters, digits"),
        ("https://a$(id)", "letters, digits"),
        ("https://a b", "letters, digits"),
        ("https://a\tb", "letters, digits"),
        ("https://a'b", "letters, digits"),
        ("https://us.post\u200bhog.com", "letters, digits"),
        ("https://[::1", "must be an address"),
        (f"https://{'a' * 70}.example", "letters, digits"),
        ("http://localhost:abc", "port"),
        ("https://localhost:99999", "port"),
    ],
)
def test_unusable_hosts_are_refused_with_the_right_one(host: str, words: str) -> None:
    """The sentence says what to write instead."""
    text = problems(POSTHOG_HOST=host)
    assert "POSTHOG_HOST" in text
    assert words in text


def test_plain_http_is_for_this_machine_or_by_permission() -> None:
    """Loopback needs no TLS; another host only where the operator says so."""
    assert load_settings(None, POSTHOG_HOST="http://localhost:8000").host == "http://localhost:8000"
    assert load_settings(None, POSTHOG_HOST="http://[::1]:8000").host == "http://[::1]:8000"
    allowed = load_settings(None, POSTHOG_HOST="http://posthog.internal", allow_http="1")
    assert allowed.host == "http://posthog.internal"


def test_a_project_is_a_number_and_only_one() -> None:
    """A token in place of the number is recognised; two different projects are refused."""
    assert "project token" in problems(POSTHOG_PROJECT_ID="phc_x")
    assert "@current" in problems(POSTHOG_PROJECT_ID="my-project")
    assert "unset one" in problems(POSTHOG_PROJECT_ID="1", POSTHOG_ENVIRONMENT_ID="2")
    assert load_settings(None, POSTHOG_PROJECT_ID="1", POSTHOG_ENVIRONMENT_ID="1").project_id == "1"


def test_every_problem_is_reported_at_once() -> None:
    """Two wrong variables give two sentences, each with its variable."""
    text = problems(POSTHOG_HOST="nonsense", timeout="soon")
    assert "POSTHOG_HOST" in text
    assert "ERRTRACK_TIMEOUT" in text


def test_a_host_is_written_in_one_way() -> None:
    """Names of other scripts become ASCII, and a port stays."""
    assert (
        load_settings(None, POSTHOG_HOST="https://B\u00fccher.example:8443/").host
        == "https://xn--bcher-kva.example:8443"
    )
    assert load_settings(None, POSTHOG_HOST="https://192.0.2.1").host == "https://192.0.2.1"
