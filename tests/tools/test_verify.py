"""A diagnosis that looks into the file: what it settles, what stays unknown, and that no source code is in it."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.failures import FAILURES
from errtrack_mcp.sandbox.seed import chunk_id
from errtrack_mcp.symbolication.places import LookUp, Original
from errtrack_mcp.tools import advice, verify
from errtrack_mcp.tools.verify import FileFacts, Verdict, facts_of, settled
from tests.support.containers import BUILD, container, pair
from tests.support.fixtures import Answer, Connect, Refusal
from tests.support.serving import NO_AUTHORITIES, caller, serving
from tests.support.uploading import upload
from tests.support.upstream import Upstream

DIAGNOSE = "error-tracking-symbol-sets-diagnose"
REF = chunk_id("unbound/main")
POSITION = {"line": 1, "column": 48}
ELSEWHERE = {"line": 900, "column": 2}
SECRET = "customer.account"  # in the sources of the small build
NOTES = [advice.UPLOAD_BEGUN, advice.MATCHES, advice.EVENT_MODE]


def script(ref: str) -> bytes:
    """Return the script of the small build with this chunk id."""
    return (BUILD / "checkout.js").read_bytes() + f"\n//# chunkId={ref}".encode()


@pytest.mark.anyio
async def test_a_finished_upload_is_told_from_the_file(connect: Connect, answer: Answer) -> None:
    """What it holds is said, and what is known is no longer called unknowable."""
    async with connect() as client:
        found = await answer(client, DIAGNOSE, ref=REF, verify=True)
    assert found["file"] == {
        "upload_finished": True,
        "kind": "javascript",
        "sources": 3,
        "has_source_text": True,
        "chunk_id": REF,
        "chunk_id_is_ref": True,
    }
    assert "Its upload is finished: a source map of 3 source files, with their text." in found["summary"]
    assert found["readable"] is True
    assert not any(note.startswith("Whether an upload was finished") for note in found["cannot_know"])
    assert any(note.startswith("Whether a map fits") for note in found["cannot_know"])
    assert advice.LOOK_INTO_IT not in found["next_steps"]
    assert SECRET not in str(found)


@pytest.mark.anyio
@pytest.mark.parametrize(("position", "known"), [(POSITION, True), (ELSEWHERE, False)])
async def test_a_position_is_looked_up(
    connect: Connect, answer: Answer, position: dict[str, int], *, known: bool
) -> None:
    """Where the map does not know it, its errors are not readable, for one of two reasons."""
    async with connect() as client:
        found = await answer(client, DIAGNOSE, ref=REF, verify=True, **position)
    assert (found["file"]["knows_position"], found["readable"]) == (known, known)
    assert not any(note.startswith("Whether a map fits") for note in found["cannot_know"])
    assert ("another build than the deployed script, or the bundler added" in found["summary"]) is not known
    assert ("posthog-cli sourcemap process" in found["next_steps"][0]) is not known
    assert SECRET not in str(found)


@pytest.mark.anyio
async def test_a_position_alone_asks_for_the_file(connect: Connect, answer: Answer) -> None:
    """It is in no other place that a position can be looked up."""
    async with connect() as client:
        diagnosis = await answer(client, DIAGNOSE, ref=REF, line=1, column=48)
    assert diagnosis["file"]["knows_position"] is True


@pytest.mark.anyio
async def test_an_upload_that_was_never_finished_is_seen(connect: Connect, answer: Answer) -> None:
    """What without looking could not be told."""
    async with connect() as client:
        found = await answer(client, DIAGNOSE, ref=chunk_id("pending/main"), verify=True)
    assert (found["readable"], found["file"]["upload_finished"]) == (False, False)
    assert (
        found["next_steps"][0]
        == "Upload the build again: errtrack-mcp upload DIST, or posthog-cli sourcemap upload --directory DIST."
    )
    assert not any(note.startswith("Whether an upload was finished") for note in found["cannot_know"])


@pytest.mark.anyio
@pytest.mark.parametrize("key", ["pending/main", "unbound/main"])
async def test_a_file_that_is_not_there_is_not_called_there(
    connect: Connect, answer: Answer, database: Database, key: str
) -> None:
    """Its row says that there is one, perhaps with a time of use; the storage has none."""
    database.execute("UPDATE symbol_sets SET content_hash = NULL WHERE ref = ?", (chunk_id(key),))
    async with connect() as client:
        found = await answer(client, DIAGNOSE, ref=chunk_id(key), verify=True)
    assert found["summary"] == (
        "PostHog's row of it names a file that its storage does not have: the upload was never finished, or the file "
        "was removed."
    )
    assert found["readable"] is False


@pytest.mark.anyio
async def test_the_file_of_another_script_is_seen(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """By the chunk id in it; whether its map fits all the same stays open."""
    upload(sandbox.url, REF, pair(script("of-another"), (BUILD / "checkout.js.map").read_bytes()))
    async with connect() as client:
        found = await answer(client, DIAGNOSE, ref=REF, verify=True, **POSITION)
    assert (found["file"]["chunk_id"], found["file"]["chunk_id_is_ref"]) == ("of-another", False)
    assert found["readable"] is None
    assert "another chunk id than the ref" in found["summary"]
    assert any(note.startswith("Whether a map fits") for note in found["cannot_know"])


@pytest.mark.anyio
@pytest.mark.attack("source code that leaks")
@pytest.mark.parametrize(
    "file",
    [
        pair(script(REF), b'{"version":3,"sources":["a.ts"],"sourcesContent":"const customer.account","mappings":"A"}'),
        pair(script(REF), b'{"version":"customer.account"}'),
        container(b"PK customer.account", 5),
        b"customer.account",
    ],
)
async def test_a_file_that_cannot_be_read_says_why_without_quoting_it(
    connect: Connect, answer: Answer, sandbox: Upstream, file: bytes
) -> None:
    """The parser's own words would quote what it stumbled over."""
    upload(sandbox.url, REF, file)
    async with connect() as client:
        found = await answer(client, DIAGNOSE, ref=REF, verify=True)
    assert (found["file"]["upload_finished"], found["readable"]) == (True, None)
    assert found["file"]["problem"]
    assert SECRET not in str(found)


@pytest.mark.anyio
@pytest.mark.parametrize("ref", [FAILURES[0][0], "no-such-ref"])
async def test_without_a_file_there_is_nothing_to_look_into(
    connect: Connect, answer: Answer, sandbox: Upstream, ref: str
) -> None:
    """One request, as without verify."""
    async with connect() as client:
        found = await answer(client, DIAGNOSE, ref=ref, verify=True)
    assert found["readable"] is False
    assert "file" not in found
    assert len(sandbox.requests) == 1


@pytest.mark.anyio
async def test_without_the_extra_the_answer_says_what_is_missing(
    connect: Connect, answer: Answer, sandbox: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is the same otherwise; nothing is downloaded."""
    monkeypatch.setattr(verify, "is_installed", lambda: False)
    async with connect() as client:
        found = await answer(client, DIAGNOSE, ref=REF, verify=True)
    assert "errtrack-mcp[symbolicate]" in found["cannot_know"][-1]
    assert any(note.startswith("Whether an upload was finished") for note in found["cannot_know"])
    assert len(sandbox.requests) == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    "arguments",
    [{"verify": True}, {"ref": "x", "verify": True, "line": 1}, {"ref": "x", "column": 1}, {"line": 1, "column": 1}],
)
async def test_arguments_that_verify_nothing_are_refused(
    connect: Connect, refusal: Refusal, sandbox: Upstream, arguments: dict[str, Any]
) -> None:
    """Before anything is asked."""
    async with connect() as client:
        assert "Nothing was read." in await refusal(client, DIAGNOSE, **arguments)
    assert not sandbox.requests


@pytest.mark.anyio
@pytest.mark.parametrize("line", [0, 2**31, True])
async def test_a_position_that_no_file_has_is_refused(
    connect: Connect, refusal: Refusal, sandbox: Upstream, line: int
) -> None:
    """Before the file is fetched."""
    async with connect() as client:
        message = await refusal(client, DIAGNOSE, ref=REF, verify=True, line=line, column=1)
    assert message.startswith("invalid_arguments: ")
    assert not sandbox.requests


@pytest.mark.anyio
@pytest.mark.attack("source code that leaks")
async def test_over_http_the_file_is_looked_into_though_source_code_is_off(sandbox: Upstream) -> None:
    """The tool that shows source code is not offered; this one says what it says, and nothing of the file is logged."""
    with serving(POSTHOG_HOST=sandbox.url) as replica:
        async with caller(replica.url) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            result = await client.call_tool(DIAGNOSE, {"ref": REF, "verify": True, **POSITION})
        async with httpx.AsyncClient(verify=NO_AUTHORITIES) as plain:
            metrics = (await plain.get(f"{replica.url}/metrics")).text
        replica.stop()
    assert "error-tracking-stack-traces-resolve" not in names
    assert result.structured_content["file"]["knows_position"] is True
    assert DIAGNOSE in metrics
    assert SECRET not in f"{result}{metrics}{replica.log}"


def test_an_unfetched_file_leaves_everything_open() -> None:
    """A storage that refuses tells nothing of the file: what PostHog says stands."""
    verdict = Verdict(readable=True, summary="S.", next_steps=["step"], cannot_know=NOTES)
    told = settled(verdict, FileFacts(upload_finished=None, problem="its storage answered 403"))
    assert told == replace(verdict, summary="S. Nothing could be looked up in it (file.problem).")


def test_a_script_that_posthog_fetched_has_no_chunk_id_to_compare() -> None:
    """Its ref is an address."""
    facts = facts_of(LookUp("javascript", ((Original("f", "a.ts", 1),),), 1, chunk_id="x"), "https://shop.example/a.js")
    assert facts.model_dump() == {
        "upload_finished": True,
        "kind": "javascript",
        "sources": 1,
        "has_source_text": False,
        "knows_position": True,
    }


def test_a_proguard_mapping_has_neither_sources_nor_columns() -> None:
    """Nothing is said of what it cannot have."""
    assert facts_of(LookUp("proguard", ((),)), "com.shop@1").model_dump() == {
        "upload_finished": True,
        "kind": "proguard",
    }
