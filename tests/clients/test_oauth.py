"""The SDKs' own OAuth clients: log in through our document, outlive a token, and are refused once it is revoked."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import httpx2
import pytest
import trustme
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from errtrack_mcp.remote import token_check
from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import OTHER_PROJECT_ID
from tests.support.misbehaving import http, misbehave
from tests.support.npm import CLIENTS, Node
from tests.support.serving import LIST, NO_AUTHORITIES, serving_here
from tests.support.upstream import Upstream, serve

BACK = "http://127.0.0.1:7777/callback"
BOTH = "error_tracking:read error_tracking:write"


@dataclass
class Served:
    """Our server, and the sandbox that it leads clients to."""

    url: str
    issuer: Upstream


@pytest.fixture
def served(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Serve both. Answers about tokens are not remembered, since nobody waits a minute here; /expire ends all."""
    monkeypatch.setattr(token_check, "REMEMBERED", 0.0)
    sandbox = create_app(database)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/expire":
            await sandbox(scope, receive, send)
            return
        database.execute("UPDATE oauth_tokens SET expires_at = created_at")
        await Response(status_code=204)(scope, receive, send)

    with (
        serve(app) as issuer,
        serving_here(POSTHOG_HOST=issuer.url, ERRTRACK_OAUTH="1") as replica,
    ):
        yield Served(replica.url, issuer)


@pytest.mark.parametrize("library", ["sdk", "client"])
@pytest.mark.parametrize(("path", "scope"), [("/mcp", BOTH), ("/mcp/readonly", "error_tracking:read")])
def test_the_typescript_client_logs_in(served: Served, node: Node, library: str, path: str, scope: str) -> None:
    """Both generations: no key, one consent for the scopes of the route, a token of one project, renewed once."""
    script = CLIENTS / "oauth.mjs"
    done = node(script, library, served.url + path, served.issuer.url, str(OTHER_PROJECT_ID))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report == {
        "refusedFirst": True,
        "scope": scope,
        "versions": ["0.4.1"],
        "failed": 0,
        "saved": 2,
        "refusedLast": True,
        "asked": 2,
    }


@dataclass
class Person:
    """What a program keeps of a login, and the person at its browser, who allows what is asked `allows` times."""

    issuer: str
    allows: int = 1
    asked: list[str] = field(default_factory=list)
    tokens: list[OAuthToken] = field(default_factory=list)
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        """Return the newest tokens."""
        return self.tokens[-1] if self.tokens else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep tokens."""
        self.tokens.append(tokens)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return the registration."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep the registration."""
        self.client = client_info

    async def open(self, address: str) -> None:
        """Open the page."""
        self.asked.append(address)

    async def allow(self) -> AuthorizationCodeResult:
        """Allow it, or leave the page."""
        if len(self.asked) > self.allows:
            raise PermissionError("nobody allows it")
        form = dict(parse_qsl(urlsplit(self.asked[-1]).query)) | {"allow": "yes", "project_id": str(OTHER_PROJECT_ID)}
        answer = await self.post("/oauth/authorize/", **form)
        told = parse_qs(urlsplit(answer.headers["location"]).query)
        return AuthorizationCodeResult(code=told["code"][0], state=told["state"][0])

    async def post(self, path: str, **form: str) -> httpx.Response:
        """Send a form to the issuer."""
        async with httpx.AsyncClient() as browser:
            return await browser.post(f"{self.issuer}{path}", data=form)


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_the_python_client_logs_in(served: Served, mode: str) -> None:
    """In both eras: one consent, a token that it renews by itself, and a new consent asked for after revocation."""
    person = Person(served.issuer.url)
    metadata = OAuthClientMetadata.model_validate({"client_name": "Test", "redirect_uris": [BACK]})
    auth = OAuthClientProvider(f"{served.url}/mcp", metadata, person, person.open, person.allow)
    async with httpx2.AsyncClient(auth=auth, timeout=30) as session:
        with suppress(BaseExceptionGroup, PermissionError):
            async with Client(streamable_http_client(f"{served.url}/mcp", http_client=session), mode=mode) as client:
                results = [await client.call_tool(LIST, {"limit": 1})]
                await person.post("/expire")
                auth.context.token_expiry_time = time.time() - 1  # as if its seven days were over for the client too
                results += [await client.call_tool(LIST, {"limit": 1}) for _ in range(2)]
                assert len(person.tokens) == 2
                await person.post("/oauth/revoke/", token=str(person.tokens[-1].refresh_token))
                await client.call_tool(LIST, {"limit": 1})
                pytest.fail("a revoked token was let in")
    assert [result.structured_content and result.structured_content["results"][0]["version"] for result in results] == [
        "0.4.1"
    ] * 3
    assert len(person.asked) == 2
    assert parse_qs(urlsplit(person.asked[0]).query)["scope"] == [BOTH]


@pytest.mark.anyio
async def test_a_client_with_a_document_of_its_own_need_not_register(
    served: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its id is the address of the document, which the issuer reads."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    person = Person(served.issuer.url)
    metadata = OAuthClientMetadata.model_validate({"client_name": "Test", "redirect_uris": [BACK]})
    documents: list[bytes] = []
    with misbehave(
        lambda connection: connection.sendall(documents[0]), certificate=authority.issue_cert("127.0.0.1")
    ) as web:
        address = f"{web.url}/client.json"
        documents.append(http(200, json.dumps({"client_id": address, "redirect_uris": [BACK]})))
        auth = OAuthClientProvider(
            f"{served.url}/mcp", metadata, person, person.open, person.allow, client_metadata_url=address
        )
        async with (
            httpx2.AsyncClient(auth=auth, timeout=30, verify=NO_AUTHORITIES) as session,
            Client(streamable_http_client(f"{served.url}/mcp", http_client=session)) as client,
        ):
            assert not (await client.call_tool(LIST, {"limit": 1})).is_error
    assert parse_qs(urlsplit(person.asked[0]).query)["client_id"] == [address]
    assert "POST /oauth/register/" not in served.issuer.requests
