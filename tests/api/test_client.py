"""One caller's client: what is sent, what is repeated, and what a response becomes, over a transport of our own."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from pydantic import SecretStr
from pydantic_core import from_json

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import (
    ApiError,
    BadShape,
    ConnectionFailed,
    IssueMerged,
    NoKey,
    NotFound,
    NotJson,
    Redirected,
    ServerError,
    TimedOut,
)
from errtrack_mcp.api.models import ApiModel
from errtrack_mcp.api.retry import RetryPolicy
from errtrack_mcp.api.transport import Request, Response

pytestmark = pytest.mark.anyio

ROW = Response(200, b'{"id": "1"}')
EMPTY = Response(204, b"")
KEY = "phx_made_up_for_this_test"


class Row(ApiModel):
    """An object of the API."""

    id: str


@dataclass
class Script:
    """A transport that answers with one thing after another, and remembers what it was asked."""

    answers: list[Response | ApiError]
    origin: str = "https://posthog.example"
    sent: list[Request] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        """Answer with the next thing."""
        self.sent.append(request)
        self.headers.append(request.headers())
        answer = self.answers.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        return answer


def client(script: Script, key: str | None = KEY) -> Client:
    """Return a client that does not wait between tries."""
    secret = None if key is None else SecretStr(key)
    return Client(script, secret, ("projects", "7"), retry=RetryPolicy(first_wait=0.0))


async def test_each_part_of_a_path_is_one_segment() -> None:
    """Whatever it holds; the query leaves out what is None."""
    script = Script([ROW])
    await client(script).get("releases", "hash", "a/b?c#d", into=Row, limit=1, search=None)
    assert script.sent[0].url == "https://posthog.example/api/projects/7/error_tracking/releases/hash/a%2Fb%3Fc%23d/"
    assert script.sent[0].params == {"limit": 1}


async def test_a_page_says_where_the_next_one_begins() -> None:
    """After its own rows; the last page has no next one."""
    page = b'{"count": 9, "next": "https://anywhere/", "results": [{"id": "1"}, {"id": "2"}]}'
    script = Script([Response(200, page), Response(200, page.replace(b'"https://anywhere/"', b"null"))])
    first = await client(script).get_page("releases", of=Row, offset=4)
    last = await client(script).get_page("releases", of=Row, offset=0)
    assert (first.next_offset, first.count, [row.id for row in first.results]) == (6, 9, ["1", "2"])
    assert last.next_offset is None
    assert [request.params for request in script.sent] == [{"offset": 4}, {}]


@pytest.mark.parametrize("failure", [ConnectionFailed("reset"), Response(503, b"{}"), TimedOut()])
async def test_a_read_and_a_deletion_are_repeated(failure: Response | ApiError) -> None:
    """Each up to three times in all: neither does anything twice."""
    reading, deleting = Script([failure, failure, ROW]), Script([failure, failure, EMPTY])
    assert (await client(reading).get("releases", "1", into=Row)).id == "1"
    await client(deleting).delete("releases", "1")
    assert (len(reading.sent), len(deleting.sent)) == (3, 3)


@pytest.mark.parametrize("failure", [ConnectionFailed("reset"), Response(503, b"{}"), TimedOut()])
async def test_a_question_sent_as_a_post_is_repeated_too(failure: Response | ApiError) -> None:
    """It changes nothing; nobody is told that something may have been changed."""
    script = Script([failure, failure, ROW])
    assert (await client(script).read("query", "issue", body={"issueId": "1"}, into=Row)).id == "1"
    assert [(request.method, request.body) for request in script.sent] == [("POST", {"issueId": "1"})] * 3
    with pytest.raises(ApiError) as raised:
        await client(Script([failure] * 3)).read("query", "issue", body={}, into=Row)
    assert not getattr(raised.value, "may_have_happened", False)


async def test_what_is_unpacked_from_an_answer_is_cleaned_like_the_rest() -> None:
    """Text inside of text, where an escape becomes an invisible character again."""
    script = Script([Response(200, rb'{"row": "{\"id\": \"a\\u200bb\"}"}')])
    row = await client(script).read("query", body={}, into=Row, prepare=lambda answer: from_json(answer["row"]))
    assert row.id == r"a\u200bb"


async def test_a_change_is_sent_once() -> None:
    """The first try may have worked, although its answer was lost."""
    script = Script([ConnectionFailed("reset", may_have_happened=True), ROW])
    with pytest.raises(ConnectionFailed):
        await client(script).post("releases", body={"version": "1"}, into=Row)
    assert len(script.sent) == 1


async def test_what_an_earlier_try_deleted_counts_as_deleted() -> None:
    """The row is gone after a try whose answer was lost, and not_found after none."""
    await client(Script([ConnectionFailed("reset"), Response(404, b"{}")])).delete("releases", "1")
    with pytest.raises(NotFound):
        await client(Script([Response(404, b"{}")])).delete("releases", "1")


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (Response(200, b"<html>"), NotJson),
        (Response(200, b'{"id": 7}'), BadShape),
        (Response(200, b"[" * 5_000), NotJson),
        (Response(308, b'{"issue_id": "019a9da0-9220-7000-912a-de2d7c339fae"}'), IssueMerged),
        (Response(308, b'{"issue_id": "../releases"}'), Redirected),
        (
            Response(308, b'{"issue_id": "019a9da0-9220-7000-912a-de2d7c339fae"}', {"location": "https://x/"}),
            Redirected,
        ),
        (Response(301, b"", {"location": "https://elsewhere.example/x"}), Redirected),
        (Response(502, b"<title>Bad Gateway</title>"), ServerError),
    ],
)
async def test_what_is_not_the_api_is_distinguished(response: Response, error: type[ApiError]) -> None:
    """Each failure has a class of its own, and knows what was asked."""
    with pytest.raises(error) as raised:
        await client(Script([response] * 3)).get("releases", "1", into=Row)
    assert raised.value.request.path == ("releases", "1")
    assert raised.value.request.origin == "https://posthog.example"


async def test_without_a_key_nothing_is_sent() -> None:
    """The error says so, and knows the host."""
    script = Script([ROW])
    with pytest.raises(NoKey) as raised:
        await client(script, key=None).get("releases", "1", into=Row)
    assert script.headers == []
    assert raised.value.request.origin == "https://posthog.example"


async def test_an_anonymous_client_sends_no_key() -> None:
    """It needs none, and an answer comes as it is."""
    script = Script([ROW])
    await replace(client(script, key=None), anonymous=True).get("releases", "1", into=Row)
    assert [headers.get("Authorization") for headers in script.headers] == [None]


@pytest.mark.parametrize("where", [lambda key: f'{{"id": "{key}"}}', lambda key: f'{{"id": "x", "{key}": 1}}'])
async def test_a_response_that_repeats_the_key_is_read_without_it(where: Callable[[str], str]) -> None:
    """In a value or as a name."""
    row = await client(Script([Response(200, where(KEY).encode())])).get("releases", "1", into=Row)
    assert KEY not in row.model_dump_json()


async def test_a_change_is_the_last_on_its_connection() -> None:
    """What a proxy adds after an empty answer must not answer the next request."""
    script = Script([EMPTY, EMPTY, ROW])
    await client(script).patch("releases", "1", body={"version": "1"})
    await client(script).delete("releases", "1")
    await client(script).get("releases", "1", into=Row)
    assert [headers.get("Connection") for headers in script.headers] == ["close", "close", None]
