"""One path, answered: the checks that every request passes, in the API's own order."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from errtrack_mcp.sandbox.accounts import authenticate, authorise, check_reach, locate
from errtrack_mcp.sandbox.bodies import parse_body
from errtrack_mcp.sandbox.calls import Call, Resource, Sandbox
from errtrack_mcp.sandbox.envelope import throttled
from errtrack_mcp.sandbox.formats import check_format


class Endpoint:
    """A resource as an ASGI application: format, key, body, project, scope, membership, rate, method, values."""

    def __init__(self, sandbox: Sandbox, resource: Resource) -> None:
        self._sandbox = sandbox
        self._resource = resource

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, run its action, send the answer."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        finally:
            await request.close()
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        check_format(request)
        database = self._sandbox.database
        body = await parse_body(request, self._resource.parses)
        key = authenticate(request, self._sandbox, body)
        if body.error is not None:
            raise body.error
        project = locate(request, database, key, body)
        action = self._resource.action(request.method)
        authorise(key, action)
        assert action is not None  # noqa: S101 - authorise refused it otherwise
        if "project_id" in request.path_params:
            check_reach(database, key, project["id"])
        if self._sandbox.throttle is not None:
            wait = self._sandbox.throttle.admit(key["value"], self._resource.bucket)
            if wait is not None:
                raise throttled(wait)
        return await action.run(Call(request, self._sandbox, key, project, self._resource, body))
