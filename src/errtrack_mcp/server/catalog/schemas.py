"""JSON Schemas as every client accepts them, and no larger than they need to be. Pure."""

from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]

PROJECT_ID: Schema = {"type": "string", "description": "Number; default @current"}


def input_schema(schema: Schema, *, with_project: bool) -> Schema:
    """Flatten an input schema: no null, no titles, no defaults that only mean "not given".

    Some clients refuse a whole session over `anyOf` with null, `$ref` or an array of types; `with_project` adds
    the argument that chooses the project of one call.
    """
    properties = {name: _flat(field) for name, field in schema.get("properties", {}).items()}
    if with_project:
        properties["project_id"] = PROJECT_ID
    flat: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if schema.get("required"):
        flat["required"] = schema["required"]
    return flat


def _flat(field: Schema) -> Schema:
    kept = {name: value for name, value in field.items() if name not in {"title", "anyOf"}}
    if kept.get("default", ...) in (None, ""):
        del kept["default"]
    for choice in field.get("anyOf", ()):
        if choice != {"type": "null"}:
            kept = {**_flat(choice), **kept}
    return kept


def output_schema(schema: Schema) -> Schema:
    """Shorten an output schema: no titles, no defaults, no docstrings, nullable types as an array of types."""
    return _short(schema)  # type: ignore[no-any-return]


def _short(node: Any) -> Any:
    if isinstance(node, list):
        return [_short(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {name: _short(value) for name, value in node.items() if name not in {"title", "default"}}
    if isinstance(kept.get("properties"), dict):
        # A field may itself be called "title" or "default": names of fields are not keywords.
        kept["properties"] = {name: _short(value) for name, value in node["properties"].items()}
        kept.pop("description", None)
        kept.pop("additionalProperties", None)
    return _with_nullable_type(kept)


def _with_nullable_type(node: Schema) -> Schema:
    choices = node.get("anyOf")
    if not isinstance(choices, list) or {"type": "null"} not in choices:
        return node
    rest: list[Schema] = [choice for choice in choices if choice != {"type": "null"}]
    if len(rest) != 1 or not isinstance(rest[0].get("type"), str):
        return node
    others = {name: value for name, value in node.items() if name != "anyOf"}
    plain = {name: value for name, value in rest[0].items() if name != "additionalProperties"}
    return {**plain, "type": [rest[0]["type"], "null"], **others}


def field_names(node: Any) -> set[str]:
    """Return the names of all fields that a schema describes, at any depth."""
    if isinstance(node, list):
        return {name for item in node for name in field_names(item)}
    if not isinstance(node, dict):
        return set()
    properties = node.get("properties")
    own = set(properties) if isinstance(properties, dict) else set()
    return own | {name for value in node.values() for name in field_names(value)}


def unknown_arguments(schema: Schema, given: Iterable[str]) -> list[str]:
    """Return the names that the schema does not have, in the order given."""
    return [name for name in given if name not in schema["properties"]]
