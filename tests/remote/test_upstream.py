"""Large answers of PostHog to many callers at once: the replica stays in its memory, and goes on answering others."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.deployment import memory_limit
from tests.support.memory import needs_proc, peak_memory
from tests.support.misbehaving import misbehave
from tests.support.replies import PAGE, RELEASE, json_of
from tests.support.serving import Serving, call_body, get, post, posting, serving
from tests.support.waiting import until

CALLS = 24
KEYS = 3
MAX_WAIT = 2.0


def answer_of(size: int) -> bytes:
    """Return a page of releases with about so many bytes."""
    return json_of(PAGE | {"results": [RELEASE] * (size // len(json.dumps(RELEASE)))})


def call(replica: Serving, number: int) -> str:
    """List releases with one of the keys, and return how that ended."""
    headers = posting(f"phx_caller_{number % KEYS}")
    result = post(f"{replica.url}/mcp", json=call_body(), headers=headers, timeout=120).json()["result"]
    return "ok" if not result["isError"] else str(result["content"][0]["text"])


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize(("size", "end"), [(1_900_000, "ok"), (4_900_000, "answer_too_large: ")])
def test_large_answers_neither_stop_a_replica_nor_fill_its_memory(size: int, end: str) -> None:
    """Health is told while they come, and every call ends."""
    with misbehave(answer_of(size)) as upstream, serving(POSTHOG_HOST=upstream.url) as replica:
        with ThreadPoolExecutor(CALLS) as pool:
            calls = [pool.submit(call, replica, number) for number in range(CALLS)]
            until(lambda: bool(upstream.requests))
            waits = []
            while not all(one.done() for one in calls):
                begun = time.monotonic()
                assert get(f"{replica.url}/healthz", timeout=60).status_code == 200
                waits.append(time.monotonic() - begun)
            ends = [one.result() for one in calls]
        peak = peak_memory(replica.process.pid)
    print(f"longest wait {max(waits):.2f} s, peak {peak / 1_048_576:.0f} MiB")
    assert [one for one in ends if not one.startswith(end)] == []
    assert max(waits) < MAX_WAIT
    assert peak < memory_limit()
