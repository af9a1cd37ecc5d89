"""What is measured with a clock: starting, calling, and 300 calls at once."""

import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.samples import Samples, in_turns
from benchmarks.sessions import HELLO, Session, spawn
from benchmarks.sides import Side, path
from errtrack_mcp.sandbox.seed import FULL_KEY

IN_FLIGHT = 300
CALLS_AT_ONCE = 600
UPSTREAM = "the API alone"


@dataclass(frozen=True)
class Starts:
    """By side, in ms and MB: from spawn to the answer to `initialize`, and to that of `tools/list` after it."""

    initialized: dict[str, Samples]
    listed: dict[str, Samples]
    memory: dict[str, Samples]


def measure_starts(sides: list[Side], rounds: int, most: int) -> Starts:
    """Start each side once a round; a start before the first round warms what is cached on disk."""
    by_name = {side.name: side for side in sides}
    listed: dict[str, list[float]] = {name: [] for name in by_name}
    memory: dict[str, list[float]] = {name: [] for name in by_name}

    def start(name: str) -> float:
        began = time.perf_counter()
        with spawn(by_name[name].command, by_name[name].settings, seconds=60) as session:
            session.request("initialize", **HELLO)
            initialized = _since(began)
            session.notify("notifications/initialized")
            session.request("tools/list")
            listed[name].append(_since(began))
            memory[name].append(session.peak_memory())
        return initialized

    for name in by_name:
        start(name)
        listed[name].clear()
        memory[name].clear()
    initialized = in_turns(list(by_name), start, rounds, most)
    return Starts(initialized, _samples(listed), _samples(memory))


def measure_calls(sides: list[Side], url: str, limit: int, rounds: int, most: int) -> dict[str, Samples]:
    """Time a call that lists symbol sets, in ms, one at a time; and the request that it forwards, made directly."""
    calls = {side.name: side.list_call("symbol_sets", limit) for side in sides}
    address = f"{url}{path('symbol_sets')}?limit={limit}"
    direct = urllib.request.Request(address, headers={"Authorization": f"Bearer {FULL_KEY}"})
    with ExitStack() as stack:
        sessions = {side.name: stack.enter_context(side.session(seconds=120)) for side in sides}

        def call(name: str) -> float:
            began = time.perf_counter()
            if name == UPSTREAM:
                with urllib.request.urlopen(direct, timeout=10) as answer:
                    answer.read()
            else:
                sessions[name].request("tools/call", **calls[name])
            return _since(began)

        for name in list(sessions) * 20:
            call(name)
        return in_turns([*sessions, UPSTREAM], call, rounds, most)


def measure_calls_at_once(sides: list[Side], rounds: int, most: int) -> dict[str, Samples]:
    """Count the calls a second, of five rows each, while 300 are in flight over one connection."""
    calls = {side.name: side.list_call("symbol_sets", 5) for side in sides}
    with ExitStack() as stack:
        sessions = {side.name: stack.enter_context(side.session(seconds=180)) for side in sides}

        def rate(name: str) -> float:
            began = time.perf_counter()
            _keep_in_flight(sessions[name], calls[name])
            return CALLS_AT_ONCE / (time.perf_counter() - began)

        for name in sessions:
            rate(name)
        return in_turns(list(sessions), rate, rounds, most)


def _keep_in_flight(session: Session, call: dict[str, object]) -> None:
    for _ in range(IN_FLIGHT):
        session.send("tools/call", call)
    for answered in range(CALLS_AT_ONCE):
        session.receive()
        if answered < CALLS_AT_ONCE - IN_FLIGHT:
            session.send("tools/call", call)


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _samples(values: dict[str, list[float]]) -> dict[str, Samples]:
    return {name: Samples(taken) for name, taken in values.items()}
