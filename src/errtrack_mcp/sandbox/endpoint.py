"""One path, answered: the checks that every request passes, in the API's own order."""

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from errtrack_mcp.sandbox.accounts import authenticate, authorise, locate
from errtrack_mcp.sandbox.calls import Call, Resource, Sandbox
from errtrack_mcp.sandbox.envelope import throttled


class Endpoint:
    """A resource as an ASGI application: key, scope, project, rate, method, values."""

    def __init__(self, sandbox: Sandbox, resource: Resource) -> None:
        self._sandbox = sandbox
        self._resource = resource

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, run its action, send the answer."""
        request = Request(scope, receive)
        database = self._sandbox.database
        key = await authenticate(request, database)
        method = "GET" if request.method == "HEAD" else request.method
        action = self._resource.actions.get(method)
        authorise(key, action)
        assert action is not None  # noqa: S101 - authorise refused it otherwise
        project = locate(request, database, key)
        if self._sandbox.throttle is not None:
            wait = self._sandbox.throttle.admit(key["value"], self._resource.bucket)
            if wait is not None:
                raise throttled(wait)
        response = await action.run(Call(request, self._sandbox, key, project))
        await response(scope, receive, send)
