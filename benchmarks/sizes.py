"""What is counted, in bytes and in tokens: definitions, pages, and the largest answers."""

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from rs_bpe.bpe import openai

from benchmarks.sessions import Session
from benchmarks.sides import COLLECTIONS, Side, ours, path
from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID

TOKENIZER = openai.o200k_base()
NINE = (
    "error-tracking-releases-list",
    "error-tracking-releases-retrieve",
    "error-tracking-releases-hash-retrieve",
    "error-tracking-releases-create",
    "error-tracking-releases-partial-update",
    "error-tracking-releases-destroy",
    "error-tracking-symbol-sets-list",
    "error-tracking-symbol-sets-retrieve",
    "error-tracking-symbol-sets-destroy",
)
ASKED_FOR = 1000


@dataclass(frozen=True)
class Definitions:
    """What `tools/list` costs: bytes as the client receives them, and tokens without output schemas."""

    tools: int
    size: int
    tokens_without_output: int


@dataclass(frozen=True)
class Page:
    """A page of a hundred rows in bytes: as the API answers it, and both halves of a tool's answer."""

    raw: int
    structured: int
    text: int


@dataclass(frozen=True)
class LargeAnswers:
    """Tokens of answers in a large project, and whether those that were asked to be small say what they lack.

    `less` is a page of summaries with `max_tokens`, `less_in_full` one of whole rows: it holds one row at least,
    however large.
    """

    by_tool: dict[str, int]
    raw: int
    less: int
    less_in_full: int
    says_what_is_left_out: bool


def tokens(text: str) -> int:
    """Count tokens as current models do (o200k)."""
    count: int = TOKENIZER.count(text)
    return count


def compact(value: Any) -> str:
    """Write JSON as it travels."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def measure_definitions(side: Side) -> Definitions:
    """List the tools of a side."""
    with side.session() as session:
        line = session.request("tools/list")
    tools = json.loads(line)["result"]["tools"]
    without = [{name: value for name, value in tool.items() if name != "outputSchema"} for tool in tools]
    return Definitions(len(tools), len(line.rstrip()), sum(tokens(compact(tool)) for tool in without))


def nine(url: str, **settings: str) -> Side:
    """Return this server with the nine tools that are one call of the API each."""
    return ours(url, ERRTRACK_TOOLS=",".join(NINE), **settings)


def measure_pages(url: str) -> dict[str, Page]:
    """Fetch a page of each collection, as it is and through the tool."""
    pages = {}
    with nine(url).session() as session:
        for collection, tool in COLLECTIONS.items():
            result = session.call(tool, limit=100, max_tokens=100_000)
            if len(result["structuredContent"]["results"]) != 100:
                raise RuntimeError(f"{tool} did not answer with a whole page")
            structured, text = compact(result["structuredContent"]), result["content"][0]["text"]
            pages[collection] = Page(len(fetch(url, collection)), len(structured.encode()), len(text.encode()))
    return pages


def fetch(url: str, collection: str) -> bytes:
    """Fetch a hundred rows without a tool."""
    address = f"{url}{path(collection)}?limit=100"
    asked = urllib.request.Request(address, headers={"Authorization": f"Bearer {FULL_KEY}"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        body: bytes = answer.read()
    return body


def measure_large_answers(url: str) -> LargeAnswers:
    """Call every tool that changes nothing at its default arguments, in the project of 100,000 symbol sets."""
    with ours(url, POSTHOG_PROJECT_ID=str(PROJECT_ID)).session(seconds=120) as session:
        releases = session.call(COLLECTIONS["releases"], detail="full")["structuredContent"]["results"]
        symbol_sets = session.call(COLLECTIONS["symbol_sets"])["structuredContent"]["results"]
        known = {"id": releases[0]["id"], "hash_id": releases[0]["hash_id"]}
        by_tool = {name: _largest_half(session, name, known) for name in NINE if "releases" in name and _reads(name)}
        known = {"id": symbol_sets[0]["id"]}
        by_tool |= {name: _largest_half(session, name, known) for name in NINE if "symbol" in name and _reads(name)}
        small = [
            session.call(COLLECTIONS["symbol_sets"], limit=100, detail=detail, max_tokens=ASKED_FOR)
            for detail in ("summary", "full")
        ]
    pages = [answer["structuredContent"] for answer in small]
    says = all(page.get("left_out") and page["next_offset"] == len(page["results"]) for page in pages)
    less, less_in_full = (max(tokens(half) for half in _halves(answer)) for answer in small)
    return LargeAnswers(by_tool, tokens(fetch(url, "symbol_sets").decode()), less, less_in_full, says)


def _reads(name: str) -> bool:
    """Return whether a tool changes nothing when called with an id alone: a deletion is then only previewed."""
    return not name.endswith(("-create", "-update"))


def _largest_half(session: Session, tool: str, known: dict[str, str]) -> int:
    wanted = () if tool.endswith("-list") else ("hash_id",) if "hash" in tool else ("id",)
    return max(tokens(half) for half in _halves(session.call(tool, **{name: known[name] for name in wanted})))


def _halves(result: dict[str, Any]) -> tuple[str, str]:
    """Return the structure and the text of an answer: a client shows the model the one or the other."""
    return compact(result["structuredContent"]), result["content"][0]["text"]
