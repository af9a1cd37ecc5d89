"""The parts of a seeded issue: the exceptions that its events carry, when they happened, and who looks after it."""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from errtrack_mcp.sandbox.frames import Frame

WEB = {"$lib": "web", "$lib_version": "1.268.4"}
NODE = {"$lib": "posthog-node", "$lib_version": "5.8.2"}
PYTHON = {"$lib": "posthog-python", "$lib_version": "6.7.1"}
GO = {"$lib": "posthog-go", "$lib_version": "1.4.2"}
REACT_NATIVE = {"$lib": "posthog-react-native", "$lib_version": "4.4.0", "$os": "Android", "$os_version": "16"}
ANDROID = {"$lib": "posthog-android", "$lib_version": "3.21.0", "$os": "Android", "$os_version": "15"}
IOS = {"$lib": "posthog-ios", "$lib_version": "3.31.0", "$os": "iOS", "$os_version": "18.6"}


@dataclass(frozen=True)
class Thrown:
    """An exception of an event; one without frames came without a stack."""

    type: str
    value: str
    frames: tuple[Frame, ...] = ()
    handled: bool = False


@dataclass(frozen=True)
class Stack:
    """What some events of an issue carry: their exceptions, outermost first, and the release that they name."""

    exceptions: tuple[Thrown, ...]
    release: int | None = None


@dataclass(frozen=True)
class SeededIssue:
    """An issue and its events: `count` of them, spread evenly from `first` to `last` ago, over its stacks in order.

    Name and description are those of the first exception unless given. `merged` are keys of issues that were merged
    into this one: the events take turns with their fingerprints. The first `test_events` came from a test account.
    """

    key: str
    stacks: tuple[Stack, ...]
    count: int
    first: timedelta
    last: timedelta
    sdk: dict[str, Any] = field(default_factory=lambda: WEB)
    url: str | None = "https://shop.northwind.example/checkout"
    status: str = "active"
    severity: str | None = None
    user: int | None = None
    role: str | None = None
    name: str | None = None
    description: str | None = None
    fingerprint: str | None = None
    merged: tuple[str, ...] = ()
    users: int = 0
    test_events: int = 0
    properties: dict[str, Any] = field(default_factory=dict)

    def keys(self) -> list[str]:
        """Return its key and those of the issues that were merged into it, in the order of their fingerprints."""
        return [self.key, *self.merged]

    def fingerprints(self) -> list[str]:
        """Return the fingerprints of its events, its own first."""
        own = self.fingerprint or fingerprint_of(self.key)
        return [own, *(fingerprint_of(key) for key in self.merged)]

    def moment(self, number: int) -> timedelta:
        """Return how long ago an event happened, the first one being number 0."""
        return self.first - (self.first - self.last) * (number / max(1, self.count - 1))


def fingerprint_of(key: str) -> str:
    """Name the fingerprint that ingestion gives the events of an issue."""
    return hashlib.sha512(f"issue/{key}".encode()).hexdigest()


def session_id(number: int) -> str:
    """Name a session of a visitor."""
    return str(uuid5(NAMESPACE_URL, f"https://shop.northwind.example/sessions/{number}"))
