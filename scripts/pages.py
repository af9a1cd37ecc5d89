"""What is made from the package: two pages of docs, links and tools in the README, the plugin's skills."""

import json
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp_types import Tool
from pydantic import SecretStr

from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.client_config.clients import CLIENTS
from errtrack_mcp.client_config.links import LINKS, link_to_program
from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, OWNER, chunk_id, release_id, seed
from errtrack_mcp.sandbox.seed_issues import issue_id, seed_issues
from errtrack_mcp.sandbox.seeded_issue import fingerprint_of
from errtrack_mcp.server.app import build_server
from errtrack_mcp.server.catalog.catalog import Catalog
from errtrack_mcp.settings import Settings, load_settings, variable_of
from errtrack_mcp.skills.skill import SKILL_FILE, SKILLS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PLUGIN_SKILLS = ROOT / "plugin" / "skills"
TABLE_START, TABLE_END = "| tool | what it does |\n|---|---|\n", "\n\n"
LINKS_START, LINKS_END = "<!-- links -->", "<!-- end of links -->"
SEEDED_ON = datetime(2026, 1, 5, 9, tzinfo=UTC)
MAX_ANSWER_LENGTH = 1800

CONFIGURATION = (
    "Made from the settings class by `make docs`. All come from the environment; `--env-file FILE` adds a file, below "
    "the environment. An empty variable counts as unset. Where neither has a key, `errtrack-mcp login` gives key, host "
    "and project. `errtrack-mcp doctor` shows each with its source."
)
BESIDES = (
    "`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, `SSL_CERT_FILE` and `SSL_CERT_DIR` are used as everywhere. Authorities "
    "are read once: restart a server after a change of their files. What holds for a server over HTTP is explained in "
    "[remote.md](remote.md)."
)
TOOLS = (
    "Made from the definitions by `make docs`; each answer is one of the sandbox on 5 January 2026, cut where long. "
    "Every tool also takes `project_id`, unless the project is fixed. `error-tracking-build-check` has "
    "[a page of its own](build-check.md)."
)

# What a tool is asked in the page. One that is not here gets the id of a row of its resource; one of a resource
# without a list is shown without an answer.
IN_A_WEEK = {"date_from": "2025-12-29T09:00:00Z", "date_to": "2026-01-05T09:00:00Z"}
ASKED: dict[str, dict[str, Any]] = {
    "query-error-tracking-issues-list": {"limit": 2, **IN_A_WEEK},
    "query-error-tracking-issue": {"issue_id": issue_id("in-three-releases"), **IN_A_WEEK},
    "query-error-tracking-issue-events": {"issue_id": issue_id("cart-total"), "limit": 1, **IN_A_WEEK},
    "error-tracking-issues-releases": {"issue_id": issue_id("in-three-releases"), **IN_A_WEEK},
    "error-tracking-fingerprints-list": {"issue_id": issue_id("merged")},
    "error-tracking-issues-partial-update": {"issue_id": issue_id("still-broken"), "status": "resolved"},
    "error-tracking-issues-assign-partial-update": {"issue_id": issue_id("still-broken"), "user_id": OWNER},
    "error-tracking-issues-merge-create": {
        "issue_id": issue_id("readable-after-upload"),
        "merged_ids": [issue_id("fixed-by-upload")],
    },
    "error-tracking-issues-split-create": {
        "issue_id": issue_id("merged"),
        "fingerprints": [fingerprint_of("merged-away")],
        "names": ["Basket of two"],
    },
    "error-tracking-issues-diagnose": {"issue_id": issue_id("fixed-by-upload"), **IN_A_WEEK},
    "error-tracking-releases-list": {"limit": 2},
    "error-tracking-releases-retrieve": {"id": release_id(2)},
    "error-tracking-releases-hash-retrieve": {"hash_id": "mobile-119"},
    "error-tracking-releases-create": {"version": "3.0.0", "project": "storefront-web", "hash_id": "web-3.0.0"},
    "error-tracking-releases-partial-update": {"id": release_id(3), "metadata": {"build": "120"}},
    "error-tracking-releases-destroy": {"id": release_id(2)},
    "error-tracking-releases-ensure": {"version": "2.13.2", "project": "storefront-web"},
    "error-tracking-releases-compare": {"first": "2.13.1", "second": "2.13.2"},
    "error-tracking-symbol-sets-list": {"status": "no_file", "limit": 2},
    "error-tracking-symbol-sets-diagnose": {"ref": chunk_id("never/admin")},
    "error-tracking-stack-traces-resolve": {
        "trace": "TypeError: x is undefined\n    at u (https://shop.northwind.example/assets/checkout.js:1:48)",
        "refs": [chunk_id("unbound/main")],
    },
    "error-tracking-symbol-sets-prune": {"no_file": True, "limit": 2},
}


def configuration() -> str:
    """Write the page of settings."""
    lines = [
        "# Configuration",
        "",
        CONFIGURATION,
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        secret = "SecretStr" in str(field.annotation)
        words = f"{field.description}{' Secret.' if secret else ''}"
        lines.append(f"| `{variable_of(name)}` | {_default(field.default)} | {words} |")
    lines += [
        "",
        BESIDES,
        "",
    ]
    return "\n".join(lines)


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return "`1`" if value else "-"
    if isinstance(value, frozenset):
        return ", ".join(f"`{item}`" for item in sorted(value))
    return f"`{value}`" if value not in (None, "", ()) else "-"


async def tools() -> str:
    """Write the page of tools: what each takes, and what it really answers on the sandbox."""
    database = Database()
    seed(database, SEEDED_ON)
    seed_issues(database, SEEDED_ON)
    pool = HttpTransport("http://localhost", create_app(database))
    settings = load_settings(None, POSTHOG_HOST="http://localhost", POSTHOG_PERSONAL_API_KEY=FULL_KEY)
    assert isinstance(settings.personal_api_key, SecretStr)
    async with Client(build_server(settings, pool)) as client:
        listed = (await client.list_tools()).tools
        sections = [await _section(client, tool) for tool in listed if not _is_local(tool)]
    await pool.aclose()
    database.close()
    return "\n".join(["# Tools", "", TOOLS, "", *sections])


def _is_local(tool: Tool) -> bool:
    return tool.name == "error-tracking-build-check"


async def _section(client: Client, tool: Tool) -> str:
    hints = tool.annotations
    kind = "Reads." if hints and hints.read_only_hint else "Changes something."
    lines = [f"## {tool.name}", "", f"{tool.description} {kind}", "", *_arguments(tool.input_schema)]
    return "\n".join([*lines, *await _answer(client, tool)])


async def _answer(client: Client, tool: Tool) -> list[str]:
    """Return a real call of the tool with its answer, or nothing where nobody has said what to ask."""
    asked = ASKED.get(tool.name) or await _asked_by_id(client, tool)
    if asked is None:
        return []
    result = await client.call_tool(tool.name, asked)
    assert not result.is_error, result
    answer = _settled(json.dumps(result.structured_content, indent=2, ensure_ascii=False))
    shown = answer if len(answer) <= MAX_ANSWER_LENGTH else answer[:MAX_ANSWER_LENGTH].rsplit("\n", 1)[0] + "\n..."
    return [f"`{json.dumps(asked)}` is answered:", "", "```json", shown, "```", ""]


async def _asked_by_id(client: Client, tool: Tool) -> dict[str, Any] | None:
    """Return the id of the first row of the tool's resource that it has an answer for."""
    resource = re.sub(r"(-download)?-(retrieve|destroy)$", "", tool.name)
    page = await client.call_tool(f"{resource}-list", {})
    for row in (page.structured_content or {"results": []})["results"]:
        if not (await client.call_tool(tool.name, {"id": row["id"]})).is_error:
            return {"id": row["id"]}
    return None


def _arguments(schema: Mapping[str, Any]) -> Iterable[str]:
    required = set(schema.get("required", ()))
    rows = []
    for name, field in schema["properties"].items():
        if name == "project_id":
            continue
        limits = [f"{word} {field[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in field]
        choices = [" or ".join(f"`{choice}`" for choice in field["enum"])] if "enum" in field else []
        default = [f"default `{field['default']}`"] if field.get("default") not in (None, "") else []
        needed = "yes" if name in required else ""
        words = "; ".join([field.get("description", ""), *choices, *limits, *default]).strip("; ")
        rows.append(f"| `{name}` | {field['type']} | {needed} | {words} |")
    return ["| argument | type | required | meaning |", "|---|---|---|---|", *rows, ""]


def _settled(answer: str) -> str:
    """Put fixed words in place of what differs from day to day."""
    answer = re.sub(r'"(expiring|created|last_used)_before": "[^"]*"', r'"\1_before": "..."', answer)
    answer = re.sub(r'"age_days": \d+', '"age_days": 12', answer)
    answer = re.sub(r'"url": "[^"]*"', '"url": "https://..."', answer)
    answer = re.sub(r'"confirm": "[a-z2-7]{8}"', '"confirm": "k3v6c2mq"', answer)
    answer = re.sub(r'"id": "(?!019b)[^"]*"', '"id": "019b8d6d-..."', answer)
    return re.sub(r'"created_at": "(?!202[56]-)[^"]*"|"created_at": "2026-(?!01)[^"]*"', '"created_at": "..."', answer)


def readme(text: str) -> str:
    """Return the README with its links and its table of tools anew: each tool with the start of its description."""
    before, _, rest = text.partition(TABLE_START)
    assert rest, "the README has no table of tools"
    after = rest.partition(TABLE_END)[2]
    shown = Catalog(load_settings(), local=True).whole.tools.values()
    rows = [
        f"| `{tool.listed.name}` | {(tool.listed.description or '').partition('. ')[0].rstrip('.')} |" for tool in shown
    ]
    return _linked(before) + TABLE_START + "\n".join(rows) + TABLE_END + after


def _linked(text: str) -> str:
    """Return text of the README with its install links written anew."""
    before, _, rest = text.partition(LINKS_START)
    assert rest, "the README has no place for links"
    links = [f"[Add to {CLIENTS[slug].name}]({link_to_program(slug)})" for slug in LINKS]
    return before + LINKS_START + "\n" + "\n".join(links) + "\n" + LINKS_END + rest.partition(LINKS_END)[2]


def copy_skills() -> None:
    """Put the package's skills into the plugin, which is read without the package, and no other."""
    shutil.rmtree(PLUGIN_SKILLS, ignore_errors=True)
    for skill in SKILLS:
        (PLUGIN_SKILLS / skill.name).mkdir(parents=True)
        (PLUGIN_SKILLS / skill.name / SKILL_FILE).write_text(skill.text)


def main() -> None:
    """Write the pages, and copy the skills."""
    copy_skills()
    (DOCS / "configuration.md").write_text(configuration())
    (DOCS / "tools.md").write_text(anyio.run(tools))
    README.write_text(readme(README.read_text()))
    written = "docs/configuration.md, docs/tools.md, links and tools in README.md, plugin/skills"
    sys.stdout.write(f"Written: {written}\n")


if __name__ == "__main__":
    main()
