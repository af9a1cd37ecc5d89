"""The doctor in front of every state of key, project, host and way to it: which line says what."""

import json
import socket
import sys
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
import trustme
from starlette.types import Message, Receive, Scope, Send

from errtrack_mcp.cli.doctor.extra import missing
from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, NO_SCOPES_KEY, OTHER_PROJECT_ID, READ_KEY, SCOPED_KEY
from errtrack_mcp.server.catalog.toolsets import EVERY_TOOLSET, TOOLSETS
from tests.support.fixtures import Run
from tests.support.homes import MOVING
from tests.support.invoked import invoke, show
from tests.support.misbehaving import http, misbehave
from tests.support.tls import VARIABLES, proxy_to, serve_tls
from tests.support.upstream import Upstream, serve

CANARY = "phx_canary3f9a"
LINES = [
    *("settings", "key kind", "host", "proxy", "dns", "connection", "tls", "answer", "clock"),
    *("key", "scopes", "project", *(f"toolset {name}" for name in EVERY_TOOLSET), "api age"),
    *("symbolicate", "clients"),
]
WAY = ("proxy", "dns", "connection", "tls", "answer")

Examine = Callable[..., "Report"]


class Report:
    """What the doctor found, by name of check, and its exit code."""

    def __init__(self, result: Any) -> None:
        assert result.stderr == ""
        assert "canary" not in result.stdout
        told = json.loads(result.stdout)
        self.code: int = result.returncode
        self.ok: bool = told["ok"]
        self.checks = {check["name"]: check for check in told["checks"]}
        assert [name for name in self.checks if not name.startswith("toolset ")] == [
            name for name in LINES if not name.startswith("toolset ")
        ]
        assert {name for name in LINES if name.startswith("toolset ")} <= set(self.checks)
        assert self.ok == (self.code == 0)

    def status(self, name: str) -> str:
        """Return how a check ended."""
        status: str = self.checks[name]["status"]
        return status

    def line(self, name: str) -> str:
        """Return what a check found and advises."""
        check = self.checks[name]
        return f"{check['found']} {check['remedy']}"

    def failing(self) -> list[str]:
        """Return the names of the checks that failed."""
        return [name for name in self.checks if self.status(name) == "failed"]


@pytest.fixture
def examine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Examine:
    """Run `doctor --json` in a home of its own, with these variables and no proxy or authority of the tester's."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in MOVING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.chdir(tmp_path)

    def examined(*arguments: str, **variables: str) -> Report:
        return Report(invoke("doctor", "--json", *arguments, **variables))

    return examined


@pytest.fixture
def configured(sandbox: Upstream) -> dict[str, str]:
    """Name the sandbox and its key."""
    return {"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": FULL_KEY}


def test_in_good_health_every_line_says_so(examine: Examine, configured: dict[str, str], sandbox: Upstream) -> None:
    """Key, scopes, project, both toolsets and the API's age are told, and nothing is changed on the way."""
    report = examine(**configured)
    assert report.code == 0
    assert {name for name in report.checks if report.status(name) != "ok"} == {"clients"}
    assert "personal API key" in report.line("key kind")
    assert '"Sandbox: full"' in report.line("key")
    assert '"Northwind Shop" (project 4242)' in report.line("project")
    assert "query-error-tracking-issues-list answers" in report.line("toolset issues")
    assert "error-tracking-releases-list answers" in report.line("toolset releases")
    assert "error-tracking-symbol-sets-list answers" in report.line("toolset symbol-sets")
    assert report.line("api age").startswith("September 2026 or newer")
    assert report.line("symbolicate").startswith("installed")
    changing = [request for request in sandbox.requests if not request.startswith("GET") and "/query/" not in request]
    assert changing == []


def test_the_extra_that_is_missing_is_named(
    examine: Examine, configured: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With how to get it; everything else works, so nothing fails."""
    monkeypatch.setitem(sys.modules, "symbolic", None)
    report = examine(**configured)
    assert report.code == 0
    assert "pip install 'errtrack-mcp[symbolicate]'" in report.line("symbolicate")
    assert report.checks["toolset stack-traces"]["found"] == "needs the extra symbolicate"


@pytest.mark.parametrize(
    ("platform", "abi", "said"),
    [
        ("win32", "cp311-win_amd64", "no such extra for Windows"),
        ("linux", "cpython-311-x86_64-linux-musl", "no such extra for Linux with musl"),
        ("linux", "cpython-311-x86_64-linux-gnu", "pip install"),
        ("darwin", "cpython-311-darwin", "pip install"),
    ],
)
def test_an_extra_that_there_is_not_is_not_offered(platform: str, abi: str, said: str) -> None:
    """No command that could only fail."""
    found = missing(platform, abi)
    assert said in f"{found.found} {found.remedy}"
    assert ("pip install" in found.remedy) is (said == "pip install")


def test_settings_say_where_they_come_from(examine: Examine, configured: dict[str, str], tmp_path: Path) -> None:
    """The environment wins over the file, the file over the default, and a secret is not shown."""
    file = tmp_path / "my.env"
    file.write_text(f"POSTHOG_PERSONAL_API_KEY={CANARY}\nERRTRACK_TIMEOUT=7\nPOSTHOG_HOST=https://eu.posthog.com\n")
    report = examine("--env-file", str(file), POSTHOG_HOST=configured["POSTHOG_HOST"])
    told = {detail["variable"]: detail for detail in report.checks["settings"]["details"]}
    assert told["POSTHOG_HOST"] | {"value": ""} == {
        "variable": "POSTHOG_HOST",
        "value": "",
        "source": "environment",
    }
    assert [told["ERRTRACK_TIMEOUT"]["value"], told["ERRTRACK_TIMEOUT"]["source"]] == ["7.0", f"file {file}"]
    assert [told["POSTHOG_PERSONAL_API_KEY"]["value"], told["POSTHOG_PROJECT_ID"]["source"]] == ["***", "default"]
    assert "3 set" in report.line("settings")
    assert report.failing() == ["key"]


@pytest.mark.parametrize(
    ("variables", "failing", "words"),
    [
        ({"ERRTRACK_TIMEOUT": "never"}, ["settings"], "ERRTRACK_TIMEOUT should be"),
        ({"ERRTRACK_TOOLS": "nope"}, ["settings"], "There is no tool 'nope'"),
        ({"ERRTRACK_TOOLSETS": CANARY}, ["settings"], "There is no toolset 'phx_***'"),
        ({"ERRTRACK_EXCLUDE_TOOLS": "nope"}, ["settings"], "There is no tool 'nope'"),
        ({"ERRTRACK_TOOLSETS": ","}, ["settings"], "leave no tool to offer"),
        ({"POSTHOG_PERSONAL_API_KEY": "phc_canary"}, ["settings", "key kind"], "public project token"),
        ({"POSTHOG_PERSONAL_API_KEY": "phs_canary"}, ["settings", "key kind"], "project secret key"),
        ({"POSTHOG_PERSONAL_API_KEY": "phx_canary one"}, ["settings", "key kind"], "copy the key again"),
        ({"POSTHOG_PERSONAL_API_KEY": ""}, ["key kind"], ""),
        ({"POSTHOG_PROJECT_ID": CANARY}, ["settings"], "POSTHOG_PROJECT_ID must be"),
    ],
)
def test_unusable_settings_fail_and_the_rest_is_reported(
    examine: Examine, configured: dict[str, str], variables: dict[str, str], failing: list[str], words: str
) -> None:
    """Every line is there; what can be seen without those settings still is."""
    report = examine(**configured | variables)
    assert report.code == 1
    assert report.failing() == failing
    assert words in report.line("settings")
    assert report.status("toolset releases") == "skipped"
    assert "needs " in report.line("toolset releases")
    if "key kind" in failing:
        assert report.status("answer") == "ok"


def test_a_misspelt_setting_is_noticed(examine: Examine, configured: dict[str, str]) -> None:
    """It would otherwise be ignored without a word."""
    report = examine(**configured, ERRTRACK_READONLY="1")
    assert report.status("settings") == "warning"
    assert "Did you mean ERRTRACK_READ_ONLY?" in report.line("settings")
    assert report.code == 0


def test_a_key_in_the_wrong_variable_is_noticed(examine: Examine, sandbox: Upstream) -> None:
    """The variable that holds it is named, not its value."""
    report = examine(POSTHOG_HOST=sandbox.url, POSTHOG_API_KEY=CANARY)
    assert "POSTHOG_API_KEY is set, which this server does not read" in report.line("key kind")
    assert report.status("answer") == "ok"


def test_a_refused_key_fails(examine: Examine, configured: dict[str, str]) -> None:
    """Everything up to it is in order, everything after it is skipped."""
    report = examine(**configured | {"POSTHOG_PERSONAL_API_KEY": CANARY})
    assert report.failing() == ["key"]
    assert {report.status(name) for name in WAY} == {"ok"}
    assert {report.status(name) for name in ("scopes", "project", "toolset releases", "api age")} == {"skipped"}


def test_missing_scopes_are_reported(examine: Examine, configured: dict[str, str]) -> None:
    """Without reading nothing works; without writing some tools do not, unless none of those is offered."""
    none = examine(**configured | {"POSTHOG_PERSONAL_API_KEY": NO_SCOPES_KEY})
    assert none.failing() == ["scopes"]
    assert "error_tracking:read no, error_tracking:write no" in none.line("scopes")
    reading = configured | {"POSTHOG_PERSONAL_API_KEY": READ_KEY}
    half = examine(**reading)
    assert half.code == 0
    assert {half.status(name) for name in ("scopes", "toolset releases", "toolset symbol-sets")} == {"warning"}
    assert "ERRTRACK_READ_ONLY=1" in half.line("scopes")
    whole = examine(**reading, ERRTRACK_READ_ONLY="1")
    assert {whole.status(name) for name in ("scopes", "toolset releases", "toolset symbol-sets")} == {"ok"}
    assert "query:read no (error-tracking-issues-releases needs it" in whole.line("scopes")
    assert examine(**configured).line("scopes").strip().endswith("query:read yes")


def test_a_key_for_another_project_is_reported_which(examine: Examine, configured: dict[str, str]) -> None:
    """And with that project it works."""
    scoped = configured | {"POSTHOG_PERSONAL_API_KEY": SCOPED_KEY}
    report = examine(**scoped)
    assert report.failing() == ["project"]
    assert f"limited to projects {OTHER_PROJECT_ID}" in report.line("project")
    assert examine(**scoped, POSTHOG_PROJECT_ID=str(OTHER_PROJECT_ID)).code == 0


def test_a_project_that_is_not_there_fails(examine: Examine, configured: dict[str, str]) -> None:
    """The number comes from its address."""
    report = examine(**configured, POSTHOG_PROJECT_ID="99")
    assert report.failing() == ["project"]
    assert "no project 99" in report.line("project")


def test_a_missing_scope_does_not_hide_the_project(examine: Examine, configured: dict[str, str]) -> None:
    """The project is there: the scope is what fails."""
    report = examine(**configured | {"POSTHOG_PERSONAL_API_KEY": NO_SCOPES_KEY})
    assert report.failing() == ["scopes"]
    assert '"Northwind Shop" (project 4242)' in report.line("project")


def test_a_missing_project_is_reported_to_a_key_without_scope(
    examine: Examine, configured: dict[str, str], database: Database
) -> None:
    """Where the host tells nothing about keys, the project is all that fails."""
    missing = configured | {"POSTHOG_PERSONAL_API_KEY": NO_SCOPES_KEY, "POSTHOG_PROJECT_ID": "99"}
    report = examine(**missing)
    assert "no project 99" in report.line("project")
    with serve(older(database, forgotten=frozenset(), refused="/api/personal_api_keys")) as upstream:
        report = examine(**missing | {"POSTHOG_HOST": upstream.url})
    assert report.failing() == ["project"]
    assert "no project 99" in report.line("project")
    assert "error_tracking:read unknown" in report.line("scopes")


def test_the_deprecated_address_is_reported(examine: Examine, configured: dict[str, str]) -> None:
    """It works, and PostHog has announced its end."""
    report = examine(**configured, POSTHOG_ENVIRONMENT_ID="4242")
    assert report.code == 0
    assert report.status("project") == "warning"
    assert "POSTHOG_PROJECT_ID" in report.line("project")


def test_only_toolsets_on_offer_are_tried(examine: Examine, configured: dict[str, str], sandbox: Upstream) -> None:
    """One works, the other is skipped for the settings' sake."""
    report = examine(**configured, ERRTRACK_TOOLSETS="symbol-sets")
    assert report.code == 0
    assert report.status("toolset releases") == "skipped"
    assert "offer none" in report.line("toolset releases")
    assert sandbox.requests


def older(database: Database, *, forgotten: frozenset[str], refused: str, lacks: bytes = b"\0") -> Any:
    """Return the sandbox as an installation that respects none of these parameters and has no such path or field."""
    app = create_app(database, malformed_uuid_status=404)

    async def old(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(refused):
            scope["path"] = "/nowhere"
        kept = [(name, value) for name, value in parse_qsl(scope["query_string"].decode()) if name not in forgotten]
        scope["query_string"] = urlencode(kept).encode()

        async def send_older(message: Message) -> None:
            if message["type"] == "http.response.body":
                message["body"] = message["body"].replace(lacks, b"x" * len(lacks))
            await send(message)

        await app(scope, receive, send_older)

    return old


@pytest.mark.parametrize(
    ("forgotten", "age", "status"),
    [
        (frozenset({"include_count"}), "May 2026 or newer", "ok"),
        (frozenset({"include_count", "search"}), "May 2026 or newer", "ok"),
    ],
)
def test_an_older_api_is_recognised(
    examine: Examine, database: Database, forgotten: frozenset[str], age: str, status: str
) -> None:
    """By the parameters that it does not respects."""
    with serve(older(database, forgotten=forgotten, refused="/api/nothing")) as upstream:
        report = examine(POSTHOG_HOST=upstream.url, POSTHOG_PERSONAL_API_KEY=FULL_KEY)
    assert report.status("api age") == status
    assert report.line("api age").startswith(age)
    assert set(report.line("api age").partition("lacks ")[2].split(";")[0].strip().split(", ")) == forgotten


def test_an_api_of_2025_is_recognised(examine: Examine, database: Database) -> None:
    """It ignores what it does not know, filters with bad values included, and says so in a warning."""
    forgotten = frozenset({"include_count", "search", "status"})
    with serve(older(database, forgotten=forgotten, refused="/api/nothing", lacks=b"has_uploaded_file")) as upstream:
        report = examine(POSTHOG_HOST=upstream.url, POSTHOG_PERSONAL_API_KEY=FULL_KEY)
    assert report.code == 0
    assert report.status("api age") == "warning"
    assert report.line("api age").startswith("of 2025: knows last_used; lacks include_count, search, checked filters")


@pytest.mark.parametrize(("key", "writes"), [(FULL_KEY, "yes"), (READ_KEY, "no")])
def test_a_host_that_tells_nothing_about_keys_is_asked_by_deeds(
    examine: Examine, database: Database, key: str, writes: str
) -> None:
    """Scopes are found by a change of nothing on a release that cannot be, and nothing is written."""
    before = database.all("SELECT * FROM releases ORDER BY id")
    with serve(older(database, forgotten=frozenset(), refused="/api/personal_api_keys")) as upstream:
        report = examine(POSTHOG_HOST=upstream.url, POSTHOG_PERSONAL_API_KEY=key)
        refused = examine(POSTHOG_HOST=upstream.url, POSTHOG_PERSONAL_API_KEY=CANARY)
        reading = examine(POSTHOG_HOST=upstream.url, POSTHOG_PERSONAL_API_KEY=key, ERRTRACK_READ_ONLY="1")
    assert f"error_tracking:read yes, error_tracking:write {writes}, query:read unknown" in report.line("scopes")
    assert refused.failing() == ["key"]
    assert reading.code == 0
    assert len([request for request in upstream.requests if request.startswith("PATCH")]) == 1 + len(TOOLSETS)
    assert [tuple(row) for row in database.all("SELECT * FROM releases ORDER BY id")] == [tuple(row) for row in before]


def ends_at(report: Report, part: str, words: str) -> None:
    """Assert that the way ends there, and that what lies behind is skipped for its sake."""
    assert report.failing() == [part]
    assert words in report.line(part)
    index = WAY.index(part)
    assert {report.status(name) for name in WAY[:index]} <= {"ok"}
    assert {report.status(name) for name in (*WAY[index + 1 :], "key", "toolset releases", "api age")} == {"skipped"}
    assert report.status("clients") != "skipped"


def test_a_name_that_does_not_resolve_is_reported(examine: Examine) -> None:
    """It is DNS."""
    report = examine(POSTHOG_HOST="https://posthog.invalid", POSTHOG_PERSONAL_API_KEY=CANARY)
    ends_at(report, "dns", "posthog.invalid does not resolve")


def test_a_closed_port_is_reported(examine: Examine) -> None:
    """It is the connection."""
    ends_at(examine(POSTHOG_HOST="http://127.0.0.1:9", POSTHOG_PERSONAL_API_KEY=CANARY), "connection", "127.0.0.1:9")


def test_a_proxy_that_leads_nowhere_is_reported(examine: Examine) -> None:
    """It is the proxy, whose password is not shown, and neither DNS nor the host."""
    variables = {"POSTHOG_HOST": "https://us.posthog.com", "POSTHOG_PERSONAL_API_KEY": CANARY}
    ends_at(examine(**variables, HTTPS_PROXY="http://user:canary@127.0.0.1:9"), "proxy", "HTTPS_PROXY")
    with proxy_to(0, refusal=b"HTTP/1.1 407 Authenticate\r\nContent-Length: 0\r\n\r\n") as proxy:
        ends_at(examine(**variables, HTTPS_PROXY=proxy.url), "proxy", "407")


def test_tls_and_a_proxy_in_order_are_reported(examine: Examine, tmp_path: Path) -> None:
    """An authority that is not trusted is TLS; trusted, the line says for how long the certificate is good."""
    authority, file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    with serve_tls(authority.issue_cert("localhost", "posthog.test")) as upstream, proxy_to(upstream.port) as proxy:
        variables = {"POSTHOG_HOST": f"https://localhost:{upstream.port}", "POSTHOG_PERSONAL_API_KEY": CANARY}
        ends_at(examine(**variables), "tls", "SSL_CERT_FILE")
        assert upstream.keys_seen == []
        trusted = examine(**variables, SSL_CERT_FILE=str(file))
        proxied = variables | {
            "POSTHOG_HOST": "https://posthog.test",
            "HTTPS_PROXY": proxy.url.replace("//", "//u:canary@"),
        }
        through = examine(**proxied, SSL_CERT_FILE=str(file))
    assert "trusted, certificate good for" in trusted.line("tls")
    assert "none on the way" in trusted.line("proxy")
    assert f"through {proxy.url}" in through.line("proxy")
    assert "left to the proxy" in through.line("dns")
    assert through.status("tls") == "ok"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (http(200, "<title>Sign in</title>", "text/html"), '"Sign in"'),
        (http(302, "", Location="https://elsewhere.example/"), "elsewhere.example"),
        (http(502, "<title>Bad gateway</title>", "text/html"), "HTTP 502"),
    ],
    ids=["page", "redirect", "gateway"],
)
def test_what_is_not_the_api_is_reported(examine: Examine, reply: bytes, words: str) -> None:
    """It is the answer."""
    with misbehave(reply) as upstream:
        ends_at(examine(POSTHOG_HOST=upstream.url, POSTHOG_PERSONAL_API_KEY=CANARY), "answer", words)


def silent(connection: socket.socket) -> None:
    """Say nothing until the other side gives up."""
    connection.recv(1)


def test_a_page_that_repeats_the_key_does_not_make_it_known(examine: Examine) -> None:
    """Neither one with a prefix nor an old one without."""
    for key in (CANARY, "oldcanarykey"):
        with misbehave(http(200, f"<title>You sent {key}</title>", "text/html")) as upstream:
            report = examine(POSTHOG_HOST=upstream.url, POSTHOG_PERSONAL_API_KEY=key)
        ends_at(report, "answer", "You sent")


def test_no_answer_in_time_is_reported(examine: Examine) -> None:
    """It is the answer, and the doctor does not wait longer than a call would."""
    with misbehave(silent) as upstream:
        report = examine(POSTHOG_HOST=upstream.url, POSTHOG_PERSONAL_API_KEY=CANARY, ERRTRACK_TIMEOUT="0.5")
    ends_at(report, "answer", "no complete answer")


@pytest.mark.parametrize(("offset", "words"), [(-7200, "2 hours ahead of"), (86_400 * 3, "3 days behind"), (5, "")])
def test_a_clock_that_is_off_is_reported(examine: Examine, offset: float, words: str) -> None:
    """By what the host says the time is, even as it refuses the key."""
    reply = http(401, json.dumps({"code": "x"}), Date=formatdate(time.time() + offset, usegmt=True))
    with misbehave(reply) as upstream:
        report = examine(POSTHOG_HOST=upstream.url, POSTHOG_PERSONAL_API_KEY=CANARY)
    assert report.status("clock") == ("warning" if words else "ok")
    assert words in report.line("clock")


def test_configurations_of_clients_are_found(examine: Examine, configured: dict[str, str], tmp_path: Path) -> None:
    """Which start this server, and which hold a key for everyone to read."""
    cursor, code = tmp_path / ".cursor" / "mcp.json", tmp_path / ".mcp.json"
    cursor.parent.mkdir()
    cursor.write_text('{"mcpServers": {}}')
    assert "none of those found" in examine(**configured).line("clients")
    code.write_text('{"mcpServers": {"errtrack": {"command": "errtrack-mcp"}}}')
    report = examine(**configured)
    assert report.status("clients") == "ok"
    assert "known to Claude Code" in report.line("clients")
    cursor.write_text("{")
    assert f"could not be read: {cursor}" in examine(**configured).line("clients")
    code.write_text(
        '{"mcpServers": {"mine": {"command": "errtrack-mcp", "env": {"POSTHOG_PERSONAL_API_KEY": "phx_a"}}}}'
    )
    exposed = examine(**configured)
    assert exposed.status("clients") == "warning"
    assert str(code) in exposed.line("clients")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '{"mcpServers": {"errtrack": {"command": "/nowhere/errtrack-mcp"}}}',
            "/nowhere/errtrack-mcp, which is not there",
        ),
        ('{"mcpServers": {"errtrack": {"command": "x", "disabled": true}}}', "switched off in Claude Code"),
        (
            '{"mcpServers": {"errtrack": {"command": "x"}}, "enabledPlugins": {"errtrack@errtrack-mcp": true}}',
            "Claude Code has an entry and the plugin",
        ),
    ],
)
def test_an_entry_that_starts_nothing_or_twice_is_no_good_one(
    examine: Examine, configured: dict[str, str], tmp_path: Path, text: str, said: str
) -> None:
    """Each is said, with what to do."""
    (tmp_path / ".mcp.json").write_text(text)
    report = examine(**configured)
    assert report.status("clients") == "warning"
    assert said in report.line("clients")


def test_on_a_terminal_it_is_a_table_with_a_verdict(configured: dict[str, str]) -> None:
    """In colours that NO_COLOR turns off; the exit code is the same."""
    well = show("doctor", **configured)
    assert (well.returncode, well.coloured) == (0, True)
    assert well.text.rstrip().endswith("A tool call would work.")
    ill = show("doctor", **configured | {"POSTHOG_PERSONAL_API_KEY": CANARY, "NO_COLOR": "1"})
    assert ill.returncode == 1
    assert "\x1b[3" not in ill.raw
    assert "failed   key " in ill.text
    assert "canary" not in ill.raw


def test_in_a_pipe_it_is_a_line_for_each_check(run: Run, configured: dict[str, str]) -> None:
    """With tabs between status, check and words; the installed command ends with 1 where a call would not work."""
    result = run("doctor", **configured)
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [row[1] for row in rows if row[0]] == LINES
    assert {len(row) for row in rows} == {3}
    assert (result.returncode, result.stderr) == (0, "")
    refused = run("doctor", **configured | {"POSTHOG_PERSONAL_API_KEY": CANARY})
    assert (refused.returncode, refused.stderr) == (1, "")
    assert "failed\tkey\t" in refused.stdout
    assert "canary" not in refused.stdout


def test_tools_that_read_this_machine_alone_are_an_offer_too(examine: Examine, configured: dict[str, str]) -> None:
    """Nothing of PostHog's is offered, and a call would work all the same."""
    report = examine(**configured, ERRTRACK_TOOLSETS="builds")
    assert report.code == 0
