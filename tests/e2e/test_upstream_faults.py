"""An upstream that misbehaves: what the caller gets for each fault, in memory and from the installed command."""

import gzip
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import anyio
import psutil
import pytest
from mcp import Client
from mcp_types import CallToolResult

from tests.support.fixtures import Spawn
from tests.support.invoked import with_client
from tests.support.memory import needs_proc, peak_memory
from tests.support.misbehaving import Misbehaving, Reply, http, misbehave, reset
from tests.support.replies import ID, KEY, PAGE, RELEASE, SYMBOL_SET, envelope, json_of
from tests.support.results import as_sent, text_of
from tests.support.upstream import Upstream
from tests.support.waiting import until

pytestmark = pytest.mark.attack("an upstream that misbehaves")

LIST = ("error-tracking-releases-list", {"limit": 2})
RETRIEVE = ("error-tracking-releases-retrieve", {"id": ID})
CREATE = ("error-tracking-releases-create", {"version": "1", "project": "app"})
UPDATE = ("error-tracking-releases-partial-update", {"id": ID, "version": "2"})
DELETE = ("error-tracking-symbol-sets-destroy", {"id": ID})

Ask = Callable[..., Any]


@pytest.fixture
def ask(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Ask:
    """Call one tool of our server in front of `upstream`, in memory; return the result, checked for leaks.

    `confirmed` calls a second time, with the confirm of the first answer.
    """

    def asked(
        upstream: Misbehaving | str, call: tuple[str, dict[str, Any]], *, confirmed: bool = False, **variables: str
    ) -> Any:
        url = upstream if isinstance(upstream, str) else upstream.url
        settings = {"POSTHOG_HOST": url, "POSTHOG_PERSONAL_API_KEY": KEY, "POSTHOG_PROJECT_ID": "4242", **variables}

        async def called(client: Client) -> CallToolResult:
            result = await client.call_tool(*call)
            if confirmed:
                confirm = (result.structured_content or {})["confirm"]
                result = await client.call_tool(call[0], {**call[1], "confirm": confirm})
            return result

        result = as_sent(with_client(called, **settings))
        checked_for_leaks(result, caplog.text.join(capfd.readouterr()))
        return result

    return asked


def checked_for_leaks(result: Any, logged: str) -> None:
    """Assert that neither the answer nor the log holds the key, and the log no traceback."""
    assert "canary" not in json.dumps(result)
    assert "canary" not in logged
    assert "Traceback" not in logged


def words(result: Any) -> str:
    """Return the text of a result that must be an error, checked for its form."""
    (block,) = result["content"]
    assert result["isError"] is True, block
    text: str = block["text"]
    assert len(text) < 600
    assert "\n" not in text
    structured = result["_meta"]["errtrack-mcp/error"]
    assert text.startswith(structured["code"] + ": ")
    assert "Trying again" in text
    return text


def value(result: Any) -> Any:
    """Return the structure of a result that must be a success."""
    assert not result.get("isError"), result
    structured = result["structuredContent"]
    assert "never instructions" in structured.pop("untrusted")
    return structured


REFUSALS: list[tuple[bytes, str, list[str]]] = [
    (envelope(401, "authentication_failed", "invalid"), "unauthenticated", ["127.0.0.1", "refused the key"]),
    (
        envelope(403, "permission_denied", "API key missing required scope 'error_tracking:read'"),
        "missing_scope",
        ["error_tracking:read", "/settings/user-api-keys"],
    ),
    (
        envelope(403, "permission_denied", "This action does not support personal API key access"),
        "keys_not_allowed",
        ["scopes do not matter"],
    ),
    (
        envelope(403, "permission_denied", "You don't have access to the project."),
        "forbidden",
        ["access to the project"],
    ),
    (envelope(404, "not_found", "Not found."), "not_found", [ID, "4242"]),
    (envelope(404, "not_found", "Project not found."), "not_found", ["no project 4242"]),
    (envelope(400, "invalid_input", "Version is\nrequired"), "bad_request", ["invalid_input", "Version is"]),
    (http(200, "<html><title>Sign in to\n proxy</title>secret page", "text/html"), "not_json", ["Sign in to proxy"]),
    (http(404, "<html><title>Nowhere</title>", "text/html"), "not_json", ["Nowhere", "HTTP 404"]),
    (http(401, "<html>no title</html>", "text/html"), "not_json", ["HTTP 401"]),
    (http(200, '{"id": "x'), "not_json", ["127.0.0.1"]),
    (http(200, ""), "not_json", ["127.0.0.1"]),
    (http(204, ""), "not_json", ["127.0.0.1"]),
    (json_of([RELEASE]), "unexpected_answer", ["the whole body"]),
    (json_of({"version": "1"}), "unexpected_answer", ["id"]),
    (json_of({**RELEASE, "metadata": "text"}), "unexpected_answer", ["metadata"]),
]


@pytest.mark.parametrize(("reply", "code", "parts"), REFUSALS, ids=lambda part: part if isinstance(part, str) else "")
def test_an_answer_that_is_final_is_reported_at_once(ask: Ask, reply: bytes, code: str, parts: list[str]) -> None:
    """One request, one sentence that says what happened and what to do; no page, no traceback."""
    with misbehave(reply) as upstream:
        text = words(ask(upstream, RETRIEVE))
    assert text.startswith(f"{code}: ")
    assert all(part in text for part in parts), text
    assert "secret page" not in text
    assert len(upstream.requests) == 1


def test_the_installed_command_says_the_same(spawn: Spawn) -> None:
    """Over stdio, one fault after the other: the same words, nothing but messages, and no word in the log."""
    with misbehave(*(reply for reply, _, _ in REFUSALS)) as upstream:
        settings = {"POSTHOG_HOST": upstream.url, "POSTHOG_PERSONAL_API_KEY": KEY, "POSTHOG_PROJECT_ID": "4242"}
        with spawn(**settings) as session:
            session.initialize("2025-11-25")
            for _, code, parts in REFUSALS:
                result = session.request("tools/call", {"name": RETRIEVE[0], "arguments": RETRIEVE[1]})
                text = words(result)
                assert text.startswith(f"{code}: ")
                assert all(part in text for part in parts), text
                assert "canary" not in json.dumps(result)
            assert session.close() == 0
            assert (session.rest_of_output(), session.errors()) == ("", "")
    assert len(upstream.requests) == len(REFUSALS)


TOLERATED: list[Any] = [
    {"id": ID},
    {**RELEASE, "version": None, "project": None},
    {**RELEASE, "brand_new_field": {"deep": [1]}},
    {**RELEASE, "metadata": {"git": "text where an object belongs"}},
]


@pytest.mark.parametrize("release", TOLERATED)
def test_what_is_clear_is_tolerated(ask: Ask, release: Any) -> None:
    """Missing, null and unknown fields, and a wrong content type, do not stand in the way."""
    reply = http(200, json.dumps(release), content_type="text/plain")
    page = json_of({**PAGE, "results": [release]})
    with misbehave(reply, page) as upstream:
        found = value(ask(upstream, RETRIEVE))
        assert found.pop("posthog_url").startswith(upstream.url)
        assert found == {name: field for name, field in release.items() if field is not None or name == "metadata"}
        assert value(ask(upstream, LIST))["results"][0]["id"] == ID


def test_older_installations_are_understood(ask: Ask) -> None:
    """A storage pointer in place of has_uploaded_file says the same."""
    rows = [{"id": ID, "ref": "a", "storage_ptr": "s3/x"}, {"id": ID, "ref": "b", "storage_ptr": None}]
    with misbehave(json_of({**PAGE, "results": rows})) as upstream:
        page = value(ask(upstream, ("error-tracking-symbol-sets-list", {})))
    assert [row["state"] for row in page["results"]] == ["never_loaded", "no_file"]
    assert "s3/x" not in json.dumps(page)


def test_a_count_that_is_not_made_is_null(ask: Ask) -> None:
    """Installations that do not count still page."""
    with misbehave(json_of({**PAGE, "count": None, "next": "https://evil.example/?offset=999"})) as upstream:
        page = value(ask(upstream, LIST))
    assert (page["count"], page["next_offset"]) == (None, 1)


PASSING: list[Reply] = [http(500), http(502, "<html>", "text/html"), envelope(503, "x", "y"), http(504), reset]


@pytest.mark.parametrize("fault", PASSING, ids=["500", "502", "503", "504", "reset"])
def test_a_read_is_tried_twice_more(ask: Ask, fault: Reply) -> None:
    """Two faults and then an answer are an answer; three faults are an error that names the host."""
    with misbehave(fault, fault, json_of(RELEASE)) as upstream:
        assert value(ask(upstream, RETRIEVE))["id"] == ID
    with misbehave(fault) as upstream:
        text = words(ask(upstream, RETRIEVE))
    assert len(upstream.requests) == 3
    assert "127.0.0.1" in text
    assert "may help" in text


@pytest.mark.parametrize("fault", PASSING, ids=["500", "502", "503", "504", "reset"])
@pytest.mark.parametrize("call", [CREATE, UPDATE], ids=["create", "update"])
def test_a_change_is_never_repeated_blindly(ask: Ask, fault: Reply, call: tuple[str, dict[str, Any]]) -> None:
    """One request, whatever the fault."""
    with misbehave(fault) as upstream:
        words(ask(upstream, call))
    assert len(upstream.requests) == 1


def test_a_page_in_place_of_an_answer_is_reported_by_its_title(ask: Ask) -> None:
    """A gateway's page behind a 502 is named, never shown."""
    with misbehave(http(502, "<html><title>Bad gateway</title>secret page", "text/html")) as upstream:
        text = words(ask(upstream, RETRIEVE))
    assert "did not answer with JSON" in text
    assert '"Bad gateway"' in text
    assert "secret" not in text


def test_a_lost_answer_to_a_change_is_said_to_be_in_doubt(ask: Ask) -> None:
    """After a reset the release may exist, and the words say to look."""
    with misbehave(reset) as upstream:
        assert "may have been made all the same" in words(ask(upstream, CREATE))


def test_a_deletion_that_was_done_the_first_time_is_a_success(ask: Ask) -> None:
    """A 404 to the second try means that the first one worked."""
    gone = envelope(404, "not_found", "Not found.")
    with misbehave(*[json_of(SYMBOL_SET)] * 3, http(502), gone) as upstream:
        assert value(ask(upstream, DELETE, confirmed=True))["deleted"] is True
    assert upstream.methods() == ["GET", "GET", "GET", "DELETE", "DELETE"]


def test_what_was_gone_before_a_deletion_was_let_through_was_not_deleted(ask: Ask) -> None:
    """A throttled try did nothing, so the 404 after it is somebody else's doing."""
    throttled = envelope(429, "throttled", "Expected available in 1 second.", Retry_After="1")
    gone = envelope(404, "not_found", "Not found.")
    with misbehave(*[json_of(SYMBOL_SET)] * 3, throttled, gone) as upstream:
        assert words(ask(upstream, DELETE, confirmed=True)).startswith("not_found: ")


def test_an_answer_that_cannot_be_unpacked_is_worth_its_status(ask: Ask) -> None:
    """A 503 whose body is no gzip is asked for again; a 200 is no JSON."""
    broken = http(503, "not gzip", Content_Encoding="gzip")
    with misbehave(broken, json_of(RELEASE)) as upstream:
        assert value(ask(upstream, RETRIEVE))["id"] == ID
    with misbehave(http(200, "not gzip", Content_Encoding="gzip")) as upstream:
        assert words(ask(upstream, RETRIEVE)).startswith("not_json: ")


def test_a_short_rate_limit_is_waited_out(ask: Ask) -> None:
    """A second's wait is waited, and the call succeeds, a change included."""
    throttled = envelope(429, "throttled", "Expected available in 1 second.", Retry_After="1")
    for call in (RETRIEVE, CREATE):
        with misbehave(throttled, json_of(RELEASE, 201)) as upstream:
            assert value(ask(upstream, call))["id"] == ID
        assert len(upstream.requests) == 2


@pytest.mark.parametrize(("retry_after", "allowed"), [("3600", "20"), ("2", "1")])
def test_a_long_rate_limit_is_reported_at_once(ask: Ask, retry_after: str, allowed: str) -> None:
    """The error says how many seconds to wait, in words and as a number."""
    throttled = envelope(429, "throttled", "Request was throttled.", Retry_After=retry_after)
    with misbehave(throttled) as upstream:
        began = time.monotonic()
        result = ask(upstream, RETRIEVE, ERRTRACK_MAX_RETRY_WAIT=allowed)
        assert time.monotonic() - began < 5
    assert f"Wait {retry_after} seconds" in words(result)
    assert result["_meta"]["errtrack-mcp/error"]["retry_after"] == float(retry_after)
    assert len(upstream.requests) == 1


def test_what_follows_an_answer_answers_no_other_call(spawn: Spawn) -> None:
    """Two answers in one segment: the second call gets its own, over another connection."""
    first, poison, own = (
        json_of({**RELEASE, "version": version}, Connection="keep-alive") for version in ("first", "POISON", "own")
    )
    call = {"name": RETRIEVE[0], "arguments": RETRIEVE[1]}
    with (
        misbehave(first + poison, own, kept=True) as upstream,
        spawn(POSTHOG_HOST=upstream.url, POSTHOG_PERSONAL_API_KEY=KEY) as session,
    ):
        session.initialize("2025-11-25")
        versions = [value(session.request("tools/call", call))["version"] for _ in range(3)]
    assert versions == ["first", "own", "own"]
    assert upstream.connections == [1, 2]


def test_a_refused_connection_names_the_host(ask: Ask) -> None:
    """Nothing listens there: the error says so."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()
    text = words(ask(url, RETRIEVE))
    assert text.startswith("connection_failed: ")
    assert url.removeprefix("http://") in text


def test_an_unknown_name_is_distinguished(ask: Ask) -> None:
    """A host that does not resolve is not called refused."""
    text = words(ask("https://posthog.invalid", RETRIEVE))
    assert text.startswith("host_not_found: ")
    assert "posthog.invalid" in text


def test_plain_http_behind_https_is_a_tls_failure(ask: Ask, sandbox: Upstream) -> None:
    """A server that does not speak TLS is told apart from one that is away."""
    text = words(ask(sandbox.url.replace("http://", "https://"), RETRIEVE))
    assert text.startswith("tls_failed: ")


def test_a_redirect_is_not_followed(ask: Ask) -> None:
    """The key never leaves for another origin; the words name it."""
    with misbehave(json_of(RELEASE)) as elsewhere:
        with misbehave(http(302, Location=f"{elsewhere.url}/api/")) as upstream:
            text = words(ask(upstream, RETRIEVE))
        assert elsewhere.requests == []
        assert elsewhere.keys_seen == []
    assert text.startswith("redirected: ")
    assert elsewhere.url in text


@needs_proc
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_a_body_that_is_too_large_is_cut_off(spawn: Spawn, zipped: bool) -> None:  # noqa: FBT001
    """More than 20 MB, or what inflates past it, ends the call without filling the memory."""
    content = b'{"id": "' + b"x" * 300_000_000 + b'"}'
    body = gzip.compress(content, 1) if zipped else content
    headers = {"Content_Encoding": "gzip"} if zipped else {}
    with misbehave(http(200, body, **headers)) as upstream:
        settings = {"POSTHOG_HOST": upstream.url, "POSTHOG_PERSONAL_API_KEY": KEY}
        with spawn(**settings) as session:
            session.initialize("2025-11-25")
            session.request("tools/list")
            process = psutil.Process(session.process.pid)
            idle = process.memory_info().rss
            text = words(session.request("tools/call", {"name": RETRIEVE[0], "arguments": RETRIEVE[1]}))
            peak = peak_memory(process.pid)
    assert text.startswith("answer_too_large: ")
    assert peak - idle < 150_000_000


def drip(connection: socket.socket) -> None:
    """Send a byte a second, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(60):
        connection.sendall(b" ")
        time.sleep(0.5)


def hang(connection: socket.socket) -> None:
    """Never answer; wait until the other side gives up."""
    while connection.recv(65536):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("fault", [hang, drip])
def test_calls_end_within_the_time_allowed(fault: Reply) -> None:
    """An upstream that hangs or drips does not hold who reads, creates or deletes longer than ERRTRACK_TIMEOUT."""
    took: list[float] = []
    texts: list[str] = []

    async def timed(client: Client, call: tuple[str, dict[str, Any]]) -> None:
        began = time.monotonic()
        result = await client.call_tool(*call)
        took.append(time.monotonic() - began)
        texts.append(text_of(result))

    async def all_at_once(client: Client) -> None:
        async with anyio.create_task_group() as group:
            for call in (RETRIEVE, CREATE, DELETE):
                group.start_soon(timed, client, call)

    with misbehave(fault) as upstream:
        variables = {"POSTHOG_HOST": upstream.url, "POSTHOG_PERSONAL_API_KEY": KEY, "ERRTRACK_TIMEOUT": "2"}
        with_client(all_at_once, **variables)
    assert max(took) < 2.5
    assert [text.partition(": ")[0] for text in texts] == ["timed_out"] * 3
    asked = Counter(upstream.methods())
    assert asked.keys() == {"GET", "POST"}
    assert asked["POST"] == 1
    assert asked["GET"] in {4, 5, 6}, "a try or two more for each of the two that begin with a read"


def test_an_answer_that_hangs_once_is_asked_for_again(ask: Ask) -> None:
    """Half of the time is kept for a second try."""
    with misbehave(hang, json_of(RELEASE)) as upstream:
        assert value(ask(upstream, RETRIEVE, ERRTRACK_TIMEOUT="2"))["id"] == ID


def test_a_slow_call_never_blocks_the_others(spawn: Spawn) -> None:
    """Fifty calls at once are answered, each with its own result, while one of them hangs."""
    with misbehave(hang, json_of(RELEASE)) as upstream:
        settings = {"POSTHOG_HOST": upstream.url, "POSTHOG_PERSONAL_API_KEY": KEY, "ERRTRACK_TIMEOUT": "20"}
        with spawn(**settings) as session:
            session.initialize("2025-11-25")
            for number in range(100, 150):
                session.send("tools/call", {"name": CREATE[0], "arguments": CREATE[1]}, id=number)
                if number == 100:
                    until(lambda: len(upstream.requests) == 1)
            answered = {session.receive()["id"] for _ in range(49)}
    assert answered == set(range(101, 150))


@pytest.mark.parametrize("how", ["cancelled", "closed"])
def test_a_cancelled_call_stops_its_request(spawn: Spawn, how: str) -> None:
    """notifications/cancelled, and the end of input, close the connection to the upstream."""
    gone = threading.Event()

    def until_closed(connection: socket.socket) -> None:
        while connection.recv(1):
            pass
        gone.set()

    with misbehave(until_closed) as upstream:
        settings = {"POSTHOG_HOST": upstream.url, "POSTHOG_PERSONAL_API_KEY": KEY}
        with spawn(**settings) as session:
            session.initialize("2025-11-25")
            session.send("tools/call", {"name": RETRIEVE[0], "arguments": RETRIEVE[1]}, id=77)
            until(lambda: bool(upstream.requests))
            if how == "cancelled":
                session.send("notifications/cancelled", {"requestId": 77})
            else:
                assert session.close() == 0
            assert gone.wait(5)
            assert len(upstream.requests) == 1
