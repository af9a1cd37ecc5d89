"""The forms that clients make of our input schemas, and what models send that see only such a form."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import release_id
from errtrack_mcp.sandbox.seed_issues import issue_id
from errtrack_mcp.sandbox.seeded_issue import fingerprint_of
from errtrack_mcp.server.catalog.catalog import Catalog
from errtrack_mcp.server.catalog.filters import is_read_only
from errtrack_mcp.settings import load_settings
from tests.support.fixtures import Answer, Connect

Schema = dict[str, Any]
TOOLS = {name: offered.listed for name, offered in Catalog(load_settings(), local=True).whole.tools.items()}
PREVIEWS = {
    "releases-destroy",
    "symbol-sets-destroy",
    "symbol-sets-prune",
    "issues-merge-create",
    "issues-split-create",
}
EVERY_TOOL = pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
LOST = {"default", "minimum", "maximum", "minLength", "maxLength", "additionalProperties"}
PLAIN = {"type", "description", "enum", "properties", "required", "items"}
IN_WORDS = {"order_by": "-created_at"}  # a default that only the description tells
UNSAID = 2**31 - 1  # the largest number that PostHog stores: nobody needs to know it


def short(name: str) -> str:
    """Return a tool's name without what all have in common."""
    return name.removeprefix("error-tracking-")


def kept(schema: Schema, keywords: set[str]) -> Schema:
    """Return the schema with these keywords alone, at every depth."""
    form = {name: value for name, value in schema.items() if name in keywords}
    if "properties" in form:
        form["properties"] = {name: kept(field, keywords) for name, field in form["properties"].items()}
    return form


def strict(schema: Schema) -> Schema:
    """Make OpenAI's strict form: every property is required, no other is allowed, lengths and defaults are unknown."""
    form = kept(schema, PLAIN | {"minimum", "maximum"})
    for inner in [form, *form["properties"].values()]:
        if inner["type"] == "object":
            inner.setdefault("properties", {})
            inner |= {"required": list(inner["properties"]), "additionalProperties": False}
    return form


def stripped(schema: Schema) -> Schema:
    """Make Codex's form: no defaults, no bounds, no lengths, no formats."""
    return kept(schema, PLAIN | {"additionalProperties"})


def for_gemini(schema: Schema) -> Schema:
    """Make the form of Gemini's function declarations: the few keywords that every version of its API takes."""
    return kept(schema, PLAIN)


FORMS = pytest.mark.parametrize("form", [strict, stripped, for_gemini], ids=lambda form: form.__name__)


@EVERY_TOOL
@FORMS
def test_a_form_is_a_schema_and_loses_only_what_is_said_in_words(tool: Any, form: Callable[[Schema], Schema]) -> None:
    """No client has to drop a union, a reference, a pattern or a format: there is none in the original."""
    made = form(tool.input_schema)
    jsonschema.Draft202012Validator.check_schema(made)
    assert set(tool.input_schema) - set(made) <= LOST
    assert set(made["properties"]) == set(tool.input_schema["properties"])
    for name, field in tool.input_schema["properties"].items():
        assert set(field) - set(made["properties"][name]) <= LOST, name
        assert field["type"] in {"string", "integer", "boolean", "object", "array"}, name
        assert "enum" not in field or field["type"] == "string", name
        assert re.fullmatch(r"[a-z_]{1,64}", name)


@EVERY_TOOL
def test_the_strict_form_keeps_openais_rules(tool: Any) -> None:
    """Every object names all its properties as required, and allows no other."""
    made = strict(tool.input_schema)
    assert made["required"] == list(tool.input_schema["properties"])
    for inner in [made, *(field for field in made["properties"].values() if field["type"] == "object")]:
        assert inner["additionalProperties"] is False
        assert set(inner["required"]) == set(inner["properties"])


@EVERY_TOOL
def test_what_a_form_loses_is_in_the_description(tool: Any) -> None:
    """A model that sees no keyword still knows bounds and defaults."""
    for name, field in tool.input_schema["properties"].items():
        bounds = [field[bound] for bound in ("minimum", "maximum") if field.get("maximum", UNSAID) < UNSAID]
        default = [field["default"]] if field.get("default", False) is not False else []
        for said in map(str, bounds + default):
            assert re.search(rf"\b{re.escape(said)}\b", field["description"]), (name, said)


def all_of_them(schema: Schema, meant: dict[str, Any]) -> dict[str, Any]:
    """Send every property, as a strict model must: what is not meant is empty, or what the description says."""

    def unmeant(name: str, field: Schema) -> Any:
        if "default" in field:
            return field["default"]
        return [] if field["type"] == "array" else IN_WORDS.get(name, "")

    return {name: meant.get(name, unmeant(name, field)) for name, field in schema["properties"].items()}


def blanks(schema: Schema, meant: dict[str, Any]) -> dict[str, Any]:
    """Send every property, and an empty string for all that is not meant, numbers and choices too."""
    return dict.fromkeys(schema["properties"], "") | meant


def all_as_text(schema: Schema, meant: dict[str, Any]) -> dict[str, Any]:
    """Send numbers, lists and yes or no as strings, as clients do that know of strings alone."""
    sent = all_of_them(schema, meant)
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in sent.items()}


def with_fractions(schema: Schema, meant: dict[str, Any]) -> dict[str, Any]:
    """Send whole numbers as 25.0, as clients do that know of one kind of number."""
    sent = all_of_them(schema, meant)
    return {name: float(value) if type(value) is int else value for name, value in sent.items()}


SENT = pytest.mark.parametrize(
    "fill", [all_of_them, blanks, all_as_text, with_fractions], ids=lambda fill: fill.__name__
)
CALLED = sorted(name for name, tool in TOOLS.items() if is_read_only(tool) or short(name) in PREVIEWS)


@pytest.fixture
def meant(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Say for each tool what a model wants from it: nothing in particular, or one thing of the seeded project."""
    found = database.one("SELECT * FROM symbol_sets WHERE storage_ptr IS NOT NULL AND release_id IS NOT NULL", ())
    release = database.one("SELECT * FROM releases WHERE id = ?", (release_id(0),))
    assert found is not None
    assert release is not None
    by_name = {"project": release["project"], "version": release["version"]}
    return {
        "build-check": [{}, {"directory": "dist"}],
        "fingerprints-list": [{"issue_id": issue_id("merged"), "limit": 1}],
        "issues-diagnose": [{"issue_id": issue_id("cart-total")}, {"issue_id": issue_id("hermes"), "events": 1}],
        "issues-merge-create": [{"issue_id": issue_id("merged"), "merged_ids": [issue_id("cart-total")]}],
        "issues-releases": [{"issue_id": issue_id("in-three-releases")}],
        "issues-split-create": [{"issue_id": issue_id("merged"), "fingerprints": [fingerprint_of("merged")]}],
        "query-error-tracking-issue": [{"issue_id": issue_id("cart-total")}],
        "query-error-tracking-issue-events": [{"issue_id": issue_id("cart-total")}],
        "query-error-tracking-issues-list": [{}, {"limit": 2, "status": "all"}],
        "releases-compare": [{"first": release_id(1), "second": release_id(0)}],
        "releases-destroy": [{"id": release["id"]}],
        "releases-hash-retrieve": [{"hash_id": release["hash_id"]}],
        "releases-list": [{}, {"limit": 2, "offset": 1, "counts": True}],
        "releases-retrieve": [{"id": release["id"]}],
        "stack-traces-resolve": [
            {"trace": "Error: x\n    at f (app.js:1:2)", "refs": [found["ref"]]},
            {"trace": "Error: x\n    at f (app.js:1:2)", **by_name},
            {"issue_id": issue_id("fixed-by-upload")},
        ],
        "symbol-sets-destroy": [{"id": found["id"]}],
        "symbol-sets-diagnose": [{}, {"ref": found["ref"]}, {"release_id": found["release_id"]}, by_name],
        "symbol-sets-download-retrieve": [{"id": found["id"]}],
        "symbol-sets-list": [{}, {"status": "no_file", "limit": 2}],
        "symbol-sets-prune": [{"no_file": True}, {"older_than_days": 3}],
        "symbol-sets-retrieve": [{"id": found["id"]}],
        "symbol-sets-upload": [{}, {"directory": "dist", **by_name}],
    }


@pytest.mark.anyio
@pytest.mark.parametrize("name", CALLED)
@SENT
async def test_such_a_call_is_answered_as_the_plain_one(  # noqa: PLR0913, PLR0917
    name: str,
    fill: Callable[[Schema, dict[str, Any]], dict[str, Any]],
    meant: dict[str, list[dict[str, Any]]],
    connect: Connect,
    answer: Answer,
    tmp_path: Path,
) -> None:
    """What is not meant changes nothing, and nothing is refused."""
    (tmp_path / "dist").mkdir()
    schema = TOOLS[name].input_schema
    async with connect(build_root=str(tmp_path)) as client:
        for arguments in meant[short(name)]:
            plain = await answer(client, name, **arguments)
            sent = fill(schema, arguments)
            assert steady(await answer(client, name, **sent)) == steady(plain), sent


@pytest.mark.parametrize("name", CALLED)
def test_what_a_strict_model_sends_keeps_the_strict_form(name: str, meant: dict[str, list[dict[str, Any]]]) -> None:
    """The calls above are calls that such a model can make."""
    schema = TOOLS[name].input_schema
    for arguments in meant[short(name)]:
        jsonschema.validate(all_of_them(schema, arguments), strict(schema))


def steady(answered: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs from call to call: links, and what is counted from the moment of the call."""
    moments = {"confirm", "url", "date_from", "date_to"}
    return {name: value for name, value in answered.items() if name not in moments and not name.endswith("_before")}
