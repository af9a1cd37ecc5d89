"""The build check as a tool: a real bundle by a real bundler, before and after each step that makes it readable."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import pytest
from mcp import Client
from mcp_types import ErrorData, ListRootsResult, Root

from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import PROJECT_ID
from errtrack_mcp.sandbox.symbol_sets import insert_symbol_set
from errtrack_mcp.server.app import build_server
from errtrack_mcp.server.catalog.catalog import Catalog
from errtrack_mcp.settings import load_settings
from errtrack_mcp.tools.build_check import environment
from tests.support.bundler import Bundle, inject
from tests.support.fixtures import Answer, Connect, MakeSettings, Refusal
from tests.support.results import text_of
from tests.support.upstream import Upstream

CHECK = "error-tracking-build-check"
ERAS = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])

Offering = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return an empty folder for a project, its path free of links."""
    return Path(os.path.realpath(tmp_path))


@pytest.fixture
def upload(database: Database) -> Callable[..., None]:
    """Store a symbol set for a chunk id, as an upload does, or as a failed fetch does."""

    def stored(chunk_id: str, *, failure: str | None = None) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        values = {
            "id": str(uuid4()),
            "ref": chunk_id,
            "team_id": PROJECT_ID,
            "created_at": now,
            "last_used": None,
            "failure_reason": failure,
            "storage_ptr": None if failure else f"symbolsets/{chunk_id}",
            "content_hash": None if failure else "0" * 128,
            "release_id": None,
        }
        insert_symbol_set(database, values)

    return stored


@pytest.fixture
def offering(settings: MakeSettings) -> Offering:
    """Connect a client that offers these folders of its own as roots."""

    @asynccontextmanager
    async def connected(mode: str, *uris: str, **variables: str) -> AsyncIterator[Client]:
        async def roots(context: Any) -> ListRootsResult:  # noqa: ARG001 - the client calls it by this name
            return ListRootsResult(roots=[Root(uri=uri) for uri in uris])

        chosen = settings(**variables)
        pool = HttpTransport(chosen.host)
        try:
            async with Client(build_server(chosen, pool), mode=mode, list_roots_callback=roots) as client:
                yield client
        finally:
            await pool.aclose()

    return connected


def states(answer: dict[str, Any]) -> dict[str, str]:
    """Return the state of each script by its path."""
    return {script["path"]: script["state"] for script in answer["scripts"]}


@pytest.mark.anyio
async def test_each_step_that_the_answer_names_leads_to_a_readable_build(
    connect: Connect, answer: Answer, upload: Any, project: Path, bundle: Bundle
) -> None:
    """Without maps, with maps, injected, uploaded: the answer names the next step each time, and none at the end."""
    async with connect(build_root=str(project)) as client:
        bare = bundle(project / "bare")
        found = await answer(client, CHECK, directory="bare/dist")
        assert found["readable"] is False
        assert states(found) == {"admin.js": "no_map", "main.js": "no_map"}
        assert any("source maps" in note for note in found["notes"])

        dist = bundle(project / "app", "--sourcemap")
        found = await answer(client, CHECK, directory="app/dist")
        assert found["readable"] is False
        assert states(found) == {"admin.js": "not_injected", "main.js": "not_injected"}
        where = f"--directory {shlex.quote(str(dist))}"
        assert found["commands"][1:] == [
            f"posthog-cli sourcemap inject {where}",
            f"posthog-cli sourcemap upload {where}",
        ]

        ids = [inject(dist / name) for name in ("admin.js", "main.js")]
        found = await answer(client, CHECK, directory="app/dist")
        assert states(found) == {"admin.js": "not_uploaded", "main.js": "not_uploaded"}
        assert found["commands"][1:] == [f"posthog-cli sourcemap upload {where}"]

        upload(ids[0])
        found = await answer(client, CHECK, directory="app/dist")
        assert found["readable"] is False
        assert [(script["path"], script["state"]) for script in found["scripts"]] == [
            ("main.js", "not_uploaded"),
            ("admin.js", "uploaded"),
        ]

        upload(ids[1])
        for script in dist.glob("*.map"):
            script.unlink()  # as --delete-after does
        found = await answer(client, CHECK, directory="app/dist")
        assert found["readable"] is True
        assert found["commands"] == []
        assert [script["chunk_id"] for script in found["scripts"]] == ids
    assert bare.is_dir()


@pytest.mark.anyio
async def test_a_map_elsewhere_than_in_a_file_is_distinguished(
    connect: Connect, answer: Answer, project: Path, bundle: Bundle
) -> None:
    """Inside the script, by URL, and without a comment next to the script."""
    bundle(project / "inline", "--sourcemap=inline")
    external = bundle(project / "external", "--sourcemap=external")
    linked = bundle(project / "linked", "--sourcemap", "--source-root=/src")
    for name in ("admin.js", "main.js"):
        (linked / f"{name}.map").unlink()
        script = linked / name
        script.write_text(script.read_text().replace(f"={name}.map", f"=https://cdn.example/{name}.map"))
    assert "sourceMappingURL" not in (external / "main.js").read_text()
    async with connect(build_root=str(project)) as client:
        assert set(states(await answer(client, CHECK, directory="inline/dist")).values()) == {"inline_map"}
        assert set(states(await answer(client, CHECK, directory="external/dist")).values()) == {"not_injected"}
        assert set(states(await answer(client, CHECK, directory="linked/dist")).values()) == {"external_map"}


@pytest.mark.anyio
async def test_bad_input_gets_its_line(
    connect: Connect, answer: Answer, upload: Any, project: Path, bundle: Bundle
) -> None:
    """A binary file, a map that is no JSON, an empty map, a link out, a shared id, an unregistered id, a failed set."""
    dist = bundle(project, "--sourcemap")
    (project / "elsewhere.js").write_text("secret()")
    (dist / "binary.js").write_bytes(b"\x89PNG\xff\x00")
    (dist / "away.js").symlink_to(project / "elsewhere.js")
    (dist / "broken.js").write_text("a()")
    (dist / "broken.js.map").write_text("<html>")
    (dist / "empty.js").write_text("a()" * 1000)
    (dist / "empty.js.map").write_text('{"version":3,"sources":[],"mappings":""}')
    (dist / "tiny.js").write_text("a()")
    (dist / "tiny.js.map").write_text('{"version":3,"sources":[],"mappings":""}')
    for name in ("comment.js", "bare.js"):
        (dist / name).write_text(f"a()\n//# chunkId=unregistered-{name}")
    (dist / "comment.js.map").write_text('{"version":3,"sources":["a.ts"],"mappings":"AAAA"}')
    failed = inject(dist / "main.js")
    inject(dist / "admin.js")
    (dist / "copy.js").write_text((dist / "admin.js").read_text())
    (dist / "changed.js").write_text("changed();" + (dist / "admin.js").read_text())
    upload(failed, failure='{"JavaScript":{"NoSourcemap":"https://x/main.js"}}')
    async with connect(build_root=str(dist)) as client:
        found = await answer(client, CHECK)
    assert states(found) == {
        "bare.js": "no_map",
        "broken.js": "bad_map",
        "empty.js": "empty_map",
        "comment.js": "not_registered",
        "admin.js": "shared_id",
        "changed.js": "shared_id",
        "copy.js": "shared_id",
        "main.js": "upload_failed",
        "away.js": "unread",
        "binary.js": "unread",
        "tiny.js": "harmless",
    }
    assert list(found["scripts"][1]) == ["path", "state", "map"]
    details = {script["path"]: script.get("detail", "") for script in found["scripts"]}
    assert "symbolic link" in details["away.js"]
    assert details["binary.js"] == "not text in UTF-8"
    assert found["readable"] is False
    assert "8 of 11" in found["summary"]


@pytest.mark.anyio
async def test_names_that_hide_something_are_shown(connect: Connect, answer: Answer, project: Path) -> None:
    """A build may come from strangers: neither a file's name nor the directory's brings in what cannot be seen."""
    folder = project / "dist\n\u202e; rm -rf"
    folder.mkdir()
    (folder / "a\u200b\n.js").write_text("a()\n//# chunkId=\u202eid")
    (folder / "b\udcff.js").write_text("b()")
    (folder / "a\u200b\n.js.map").write_text('{"sources":["a"],"mappings":"AAAA"}')
    async with connect(build_root=str(project)) as client:
        found = await answer(client, CHECK, directory=folder.name)
    assert states(found) == {"a\\u200b\\u000a.js": "not_injected", "b\\udcff.js": "no_map"}
    assert found["commands"][1] == "posthog-cli sourcemap inject --directory DIRECTORY"


@pytest.mark.anyio
async def test_an_unreadable_file_alone_cannot_be_judged(connect: Connect, answer: Answer, project: Path) -> None:
    """Neither a directory without scripts nor one with a file that cannot be read is called readable."""
    async with connect(build_root=str(project)) as client:
        assert (await answer(client, CHECK))["readable"] is None
        (project / "binary.js").write_bytes(b"\xff\xfe")
        assert (await answer(client, CHECK))["readable"] is None
        (project / "a.js").write_text("a()")
        (project / "node_modules").mkdir()
        found = await answer(client, CHECK, exclude="binary.js")
        options = "--exclude '**/.git/**' --exclude '**/node_modules/**' --exclude '**/binary.js'"
        assert found["commands"][1].endswith(options)
        found = await answer(client, CHECK, exclude="*.js")
        assert found["summary"].startswith("Could not tell: there is no script")


@pytest.mark.anyio
@pytest.mark.parametrize("directory", ["/etc", "..", "../", "/", "away", "a/../../.."])
async def test_nothing_outside_the_root_is_read(
    connect: Connect, refusal: Refusal, project: Path, directory: str
) -> None:
    """Neither by an absolute path, nor upwards, nor by a link; what lies there is not even told."""
    root = project / "root"
    root.mkdir()
    (project / "secret.js").write_text("a()")
    (root / "away").symlink_to(project)
    async with connect(build_root=str(root)) as client:
        assert "Nothing was read" in await refusal(client, CHECK, directory=directory)
        there = await refusal(client, CHECK, directory="../secret.js")
        assert there.replace("secret", "absent") == await refusal(client, CHECK, directory="../absent.js")
        for missing in ("nothing", "n" * 300, "/".join("n" * 100)):
            assert (await refusal(client, CHECK, directory=missing)).startswith("no_such_directory: ")


@pytest.mark.anyio
@ERAS
async def test_a_root_that_the_client_offers_is_enough(
    offering: Offering, answer: Answer, mode: str, project: Path, bundle: Bundle
) -> None:
    """Both eras: asked for in the middle of the call, or by a result that asks for input."""
    bundle(project / "my app")
    uris = (project / "my app").as_uri(), "file:///nowhere-at-all", "file://elsewhere/x"
    async with offering(mode, *uris) as client:
        assert (await answer(client, CHECK, directory="dist"))["readable"] is False
        absolute = await answer(client, CHECK, directory=str(project / "my app" / "dist"))
        assert len(absolute["scripts"]) == 2


@pytest.mark.anyio
@ERAS
async def test_a_relative_directory_may_be_below_any_root(
    offering: Offering, answer: Answer, refusal: Refusal, mode: str, project: Path
) -> None:
    """The first root that has it; where none does, all are named."""
    for name in ("one", "two"):
        (project / name / f"only-{name}").mkdir(parents=True)
        (project / name / f"only-{name}" / "a.js").write_text("a()")
    async with offering(mode, (project / "one").as_uri(), (project / "two").as_uri()) as client:
        for directory in ("only-one", "only-two"):
            assert len((await answer(client, CHECK, directory=directory))["scripts"]) == 1
        words = await refusal(client, CHECK, directory="only-three")
    assert words.startswith("no_such_directory: ")
    assert str(project / "one") in words
    assert str(project / "two") in words


@pytest.mark.anyio
@ERAS
async def test_the_operators_root_adds_to_the_clients(
    offering: Offering, answer: Answer, refusal: Refusal, mode: str, project: Path
) -> None:
    """A directory below either is read; one below neither is not."""
    for name in ("operators", "clients", "nobodys"):
        (project / name).mkdir()
        (project / name / "a.js").write_text("a()")
    async with offering(mode, (project / "clients").as_uri(), build_root=str(project / "operators")) as client:
        for directory in ("", str(project / "operators"), str(project / "clients")):
            assert len((await answer(client, CHECK, directory=directory))["scripts"]) == 1
        assert await refusal(client, CHECK, directory=str(project / "nobodys"))


@pytest.mark.anyio
@ERAS
async def test_without_any_root_the_error_says_what_to_set(
    connect: Connect, offering: Offering, refusal: Refusal, mode: str
) -> None:
    """A client that cannot be asked, and one that offers nothing, each get words of their own."""
    async with connect(mode) as client:
        words = await refusal(client, CHECK)
        assert words.startswith("no_build_root: ")
        assert "offers no roots" in words
        assert "ERRTRACK_BUILD_ROOT" in words
    async with offering(mode) as client:
        assert "ERRTRACK_BUILD_ROOT" in await refusal(client, CHECK, directory="/etc")


@pytest.mark.anyio
async def test_a_client_that_fails_to_list_its_roots_is_reported_so(settings: MakeSettings, refusal: Refusal) -> None:
    """Its error comes back in words; a client of the newer protocol fails by itself."""

    async def roots(context: Any) -> ErrorData:  # noqa: ARG001 - the client calls it by this name
        return ErrorData(code=-32603, message="no folder\u200b is open")

    pool = HttpTransport(settings().host)
    async with Client(build_server(settings(), pool), mode="legacy", list_roots_callback=roots) as client:
        words = await refusal(client, CHECK)
    await pool.aclose()
    assert words.startswith("client_failed: ")
    assert '"no folder\\u200b is open"' in words
    assert "ERRTRACK_BUILD_ROOT" in words


@pytest.mark.anyio
async def test_a_glob_that_hides_something_is_refused(connect: Connect, refusal: Refusal, project: Path) -> None:
    """It would stand in a command that the user is to paste."""
    async with connect(build_root=str(project)) as client:
        words = await refusal(client, CHECK, exclude="a\u202e.js")
    assert words.startswith("invalid_arguments: exclude holds invisible characters")


def test_the_environment_of_commands_is_quoted_for_a_shell() -> None:
    """Whatever a host or a project is called."""
    words = shlex.split(environment("https://a;id", "$(id)"))
    assert words[:2] == ["POSTHOG_CLI_HOST=https://a;id", "POSTHOG_CLI_PROJECT_ID=$(id)"]
    assert environment("https://us.posthog.com", "1").startswith("POSTHOG_CLI_HOST=https://us.posthog.com ")


@pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a POSIX shell")
def test_commands_stop_in_a_shell_that_has_no_key() -> None:
    """As after a login: an empty key would reach PostHog's CLI as one."""
    line = f"{environment('https://us.posthog.com', '1')} sh -c 'echo $POSTHOG_CLI_API_KEY'"

    def said(**variables: str) -> str:
        shell = ["/bin/sh", "-c", line]
        done = subprocess.run(shell, capture_output=True, text=True, env=variables, check=False)
        return done.stdout.strip() if done.returncode == 0 else "stopped"

    assert said(POSTHOG_PERSONAL_API_KEY="phx_key") == "phx_key"
    assert said() == said(POSTHOG_PERSONAL_API_KEY="") == "stopped"


def test_it_is_never_offered_over_http() -> None:
    """What a remote server puts together lacks the tool, even where the operator names it."""
    assert CHECK in Catalog(load_settings(), local=True).whole.tools
    for variables in ({}, {"tools": CHECK}, {"toolsets": "builds,releases"}):
        assert CHECK not in Catalog(load_settings(None, **variables)).whole.tools


@pytest.mark.anyio
async def test_a_large_build_stays_below_what_clients_take(
    connect: Connect, upload: Any, project: Path, sandbox: Upstream
) -> None:
    """300 scripts: each looked up once by its exact ref, problems first, whole rows left out and counted."""
    for number in range(300):
        (project / f"chunk-with-a-long-name-{number:03}.js").write_text(
            f'(globalThis._posthogChunkIds??={{}})[1]="id-{number}";f()\n//# chunkId=id-{number}'
        )
        if number != 7:
            upload(f"id-{number}")
    (project / "again.js").write_text((project / "chunk-with-a-long-name-000.js").read_text())
    reported: list[tuple[float, float | None, str | None]] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        reported.append((progress, total, message))

    async with connect(build_root=str(project)) as client:
        result = await client.call_tool(CHECK, {"max_tokens": 2000}, progress_callback=report)
    text = text_of(result)
    found = json.loads(text)
    assert len(text) <= 4_400  # 2,000 tokens, the notice and the address
    assert found["scripts"][0]["path"].endswith("-007.js")
    assert found["left_out"].startswith(f"{301 - len(found['scripts'])} scripts")
    assert found["states"]["uploaded"].startswith("300: ")
    assert sorted(sandbox.requests) == sorted(
        f"GET /api/projects/@current/error_tracking/symbol_sets/?limit=1&ref=id-{number}" for number in range(300)
    )
    assert [done for done, _, _ in reported] == sorted(done for done, _, _ in reported)
    assert reported[-1][1] == 601
    assert "chunk ids" in (reported[-1][2] or "")


@pytest.mark.anyio
async def test_a_cancelled_check_asks_no_further(connect: Connect, project: Path, sandbox: Upstream) -> None:
    """Cancelled while chunk ids are looked up: what is on its way ends, and nothing else is sent."""
    for number in range(300):
        (project / f"{number}.js").write_text(f"a()\n//# chunkId=id-{number}")
    async with connect(build_root=str(project)) as client:
        with anyio.CancelScope() as scope:

            async def stop(progress: float, total: float | None, message: str | None) -> None:
                del progress, message
                if total is not None:
                    scope.cancel()

            await client.call_tool(CHECK, {}, progress_callback=stop)
        assert scope.cancelled_caught
        await client.call_tool("error-tracking-releases-list", {"limit": 1})
        asked = len(sandbox.requests)
        await client.call_tool("error-tracking-releases-list", {"limit": 2})
    assert asked < 200
    assert len(sandbox.requests) == asked + 1
