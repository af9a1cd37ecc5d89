"""Places of a real build, looked up in the worker process; files that are damaged or made to do harm."""

import time

import anyio
import anyio.lowlevel
import pytest

from errtrack_mcp.symbolication.places import Place
from errtrack_mcp.symbolication.process import (
    FILES_AT_ONCE,
    FileUnusable,
    is_installed,
    look_up,
    place_for_a_file,
    worker_environment,
)
from tests.support.containers import BUILD, checkout, container, pair

pytestmark = pytest.mark.anyio

# Where Node 22 says that the build throws, and where that is in its sources.
THROWN = [
    (48, "discountFor", "source/order/discount.ts", 8),
    (159, "orderAmount", "source/order/amount.ts", 16),
    (239, "submit", "source/checkout.ts", 7),
    (302, "onClick", "source/checkout.ts", 13),
]


async def test_a_minified_stack_becomes_readable() -> None:
    """Every frame gets its function, file, line and source code."""
    found = await look_up(checkout(), [Place(1, column) for column, *_ in THROWN], lines_around=1)
    assert (found.kind, found.sources, found.has_source_text) == ("javascript", 3, True)
    originals = [original for [original] in found.originals]
    assert [(original.source, original.line) for original in originals] == [
        (source, line) for *_, source, line in THROWN
    ]
    assert [original.function.rpartition(".")[2] for original in originals] == [function for _, function, *_ in THROWN]
    thrown = originals[0]
    assert thrown.code == "  const { percent } = customer.account!.discount;"
    assert thrown.before[-1].startswith("export function discountFor")
    assert thrown.after == ("  return Math.round(sum * percent) / 100;",)


async def test_a_map_beside_its_script_needs_no_container() -> None:
    """As in the directory of a local build."""
    script, source_map = ((BUILD / name).read_bytes() for name in ("checkout.js", "checkout.js.map"))
    found = await look_up(source_map, [Place(1, 48)], script=script)
    assert found.originals[0][0].source == "source/order/discount.ts"


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"<!doctype html>", "does not begin"),
        (pair(b"f()", b'{"version":3,"mappings":"AA'), "map cannot be read"),
        (pair(b"f()", b"[" * 100_000), "map cannot be read"),
        (container(b"PK", 5), "dSYM"),
        (container(b"PK", 6), "ELF"),
    ],
)
async def test_a_file_that_cannot_be_used_says_why(file: bytes, why: str) -> None:
    """In words that end a sentence about it."""
    with pytest.raises(FileUnusable, match=why):
        await look_up(file, [Place(1, 1)])


@pytest.mark.attack("hostile symbol sets")
async def test_a_file_that_takes_too_long_is_given_up() -> None:
    """And its process is ended: here one that has hardly begun."""
    began = time.perf_counter()
    with pytest.raises(FileUnusable, match="longer than 0 s"):
        await look_up(checkout(), [Place(1, 1)], seconds=0.01)
    assert time.perf_counter() - began < 5


def test_the_worker_sees_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets no environment but what Python needs."""
    monkeypatch.setenv("POSTHOG_PERSONAL_API_KEY", "phx_secret")
    assert set(worker_environment()) <= {"PATH", "PYTHONPATH", "SYSTEMROOT", "TMPDIR"}


def test_the_extra_is_there() -> None:
    """`make test` installs it."""
    assert is_installed()


@pytest.mark.attack("hostile symbol sets")
async def test_few_files_are_looked_into_at_once() -> None:
    """Each may be large, whoever asks."""
    inside = most = 0

    async def look() -> None:
        nonlocal inside, most
        async with place_for_a_file():
            inside += 1
            most = max(most, inside)
            await anyio.lowlevel.checkpoint()
            inside -= 1

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(look)
    assert most == FILES_AT_ONCE
