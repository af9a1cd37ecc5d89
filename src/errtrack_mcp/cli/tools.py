"""The `tools` command: all that an assistant would see under these settings, with its size."""

from collections import Counter
from pathlib import Path
from typing import Any

import click
from mcp_types import Tool
from pydantic_core import to_json

from errtrack_mcp.cli.in_process import connected
from errtrack_mcp.cli.options import env_file_option, json_option, run
from errtrack_mcp.cli.output import is_terminal, print_rows, screen
from errtrack_mcp.server.catalog.toolsets import EVERY_TOOLSET
from errtrack_mcp.settings import Settings

BYTES_PER_TOKEN = 4  # a rule of thumb: each model counts differently, and none says how without its own tables
TOKENS_ARE = f"bytes / {BYTES_PER_TOKEN}, an estimate"
DELETING = ("-destroy", "-prune")  # what the names of tools that delete end with


@click.command()
@env_file_option
@json_option
def command(env_file: Path | None, *, as_json: bool) -> None:
    """Show what an assistant would see, and what it weighs."""
    run(env_file, lambda settings: show_tools(settings, as_json=as_json))


async def show_tools(settings: Settings, *, as_json: bool) -> None:
    """Print every tool on offer with its size; as JSON with its whole definition, as a client receives it.

    Raises ConfigurationError for a name in the settings that stands for no tool or toolset.
    """
    async with connected(settings) as client:
        tools = (await client.list_tools()).tools
        instructions = client.instructions or ""
    rows = [_weighed(tool) for tool in tools]
    size = sum(row["bytes"] for row in rows)
    if as_json:
        whole = {
            "tools": rows,
            "bytes": size,
            "tokens": _tokens(size),
            "tokens_are": TOKENS_ARE,
            "instructions": instructions,
        }
        click.echo(to_json(whole, indent=2))
        return
    _print(rows, size, len(instructions.encode()))


def _weighed(tool: Tool) -> dict[str, Any]:
    definition = tool.model_dump(mode="json", by_alias=True, exclude_none=True)
    size = len(to_json(definition))
    return {
        "name": tool.name,
        "toolset": next(
            name for name, tools in EVERY_TOOLSET.items() if tool.name in {member.name for member in tools}
        ),
        "kind": kind_of(tool),
        "bytes": size,
        "tokens": _tokens(size),
        "definition": definition,
    }


def kind_of(tool: Tool) -> str:
    """Return what a tool does: `reads`, `creates`, `deletes` or `changes`."""
    hints = tool.annotations
    if hints and hints.read_only_hint:
        return "reads"
    if tool.name.endswith(DELETING):
        return "deletes"
    return "changes" if hints is None or hints.destructive_hint is not False else "creates"


def _tokens(size: int) -> int:
    return round(size / BYTES_PER_TOKEN)


def _print(rows: list[dict[str, Any]], size: int, instructions: int) -> None:
    names = ("name", "kind", "bytes", "tokens")
    print_rows(
        ("tool", *names[1:], "what it does"), ((*(str(row[name]) for name in names), _summary(row)) for row in rows)
    )
    if is_terminal():
        toolsets = Counter({row["toolset"]: 0 for row in rows})
        for row in rows:
            toolsets[row["toolset"]] += row["bytes"]
        shares = ", ".join(f"{name} {share}" for name, share in toolsets.items())
        screen().print(
            f"\n{len(rows)} tools, {size} bytes ({shares}), about {_tokens(size)} tokens ({TOKENS_ARE}); "
            f"also, {instructions} bytes of instructions.\n"
            "--json shows whole definitions; ERRTRACK_TOOLSETS, ERRTRACK_TOOLS and ERRTRACK_READ_ONLY offer fewer.",
            style="skipped",
        )


def _summary(row: dict[str, Any]) -> str:
    described: str = row["definition"].get("description", "")
    return described.partition("\n")[0].partition(". ")[0].rstrip(".")
