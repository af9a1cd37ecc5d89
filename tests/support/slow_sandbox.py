"""The sandbox behind a socket that takes its time, and watches how it is asked."""

from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass
class SlowSandbox:
    """Answers after some seconds; knows how many asked at once, and can fail or change something after so many."""

    app: ASGIApp
    url: str = ""
    seconds: float = 0.02
    fails_after: int | None = None
    most_at_once: int = 0
    requests: list[str] = field(default_factory=list)
    _at_once: int = 0
    _events: dict[int, Callable[[], None]] = field(default_factory=dict)

    def after(self, requests: int, event: Callable[[], None]) -> None:
        """Have something happen when so many requests have come."""
        self._events[requests] = event

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self.requests.append(scope["path"])
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        number = len(self.requests)
        try:
            await anyio.sleep(self.seconds)
            if event := self._events.pop(number, None):
                event()
            if self.fails_after is not None and number > self.fails_after:
                await JSONResponse({"detail": "broken"}, 500)(scope, receive, send)
            else:
                await self.app(scope, receive, send)
        finally:
            self._at_once -= 1
