"""JSON Schemas as every client accepts them, and no larger than they need to be. Pure."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import WithDefaultSchema

Schema = dict[str, Any]

# A limit that nobody meets by accident is not worth its tokens.
MAX_NUMBER_SHOWN = 2**31 - 1
MAX_LENGTH_SHOWN = 200

PROJECT = "project_id"
PROJECT_ID: Schema = {"type": "string", "description": "Number; has a default"}


def input_schema(schema: Schema) -> Schema:
    """Flatten an input schema: no null, no titles, no defaults that only mean "not given", no limit that nobody meets.

    Some clients refuse a whole session over `anyOf` with null, `$ref` or an array of types. The argument that chooses
    the project of one call is added: no tool has it in its signature.
    """
    properties = {name: _described(_flat(field)) for name, field in schema.get("properties", {}).items()}
    properties[PROJECT] = PROJECT_ID
    flat: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if schema.get("required"):
        flat["required"] = schema["required"]
    return flat


def _flat(field: Schema) -> Schema:
    kept = {name: value for name, value in field.items() if name not in {"title", "anyOf"}}
    if kept.get("default", ...) in (None, ""):
        del kept["default"]
    for limit, most in (("maximum", MAX_NUMBER_SHOWN - 1), ("maxLength", MAX_LENGTH_SHOWN)):
        if kept.get(limit, 0) > most:
            del kept[limit]
    if isinstance(kept.get("items"), dict):
        kept["items"] = _flat(kept["items"])
    for choice in field.get("anyOf", ()):
        if choice != {"type": "null"}:
            kept = {**_flat(choice), **kept}
    return kept


def _described(field: Schema) -> Schema:
    """Say in the description what else only a keyword says: some clients strip keywords, or refuse `format`."""
    kept = {name: value for name, value in field.items() if name not in {"format", "minItems", "maxItems"}}
    if isinstance(kept.get("items"), dict):
        kept["items"] = _described(kept["items"])
    facts = ", ".join(_facts(field))
    description = field.get("description", "")
    described = f"{description} ({facts})" if description and facts else description or facts
    return {**kept, "description": described} if described else kept


def _facts(field: Schema) -> Iterator[str]:
    """Return in words the format, the range, the longest length and the default of a field."""
    if field.get("format") == "uuid":
        yield "UUID"
    least, most = field.get("minimum"), field.get("maximum")
    if most is not None and most < MAX_NUMBER_SHOWN:
        yield f"{least} to {most}"
    if "maxItems" in field:
        least = field.get("minItems", 0)
        yield f"{least} to {field['maxItems']} of them" if least else f"at most {field['maxItems']}"
    if field.get("maxLength", MAX_NUMBER_SHOWN) <= MAX_LENGTH_SHOWN:
        yield f"at most {field['maxLength']} characters"
    if field.get("default", False) is not False:
        yield f"default {field['default']}"


class _WithoutDefaults(GenerateJsonSchema):
    """Leaves defaults out as it goes: to write them, and take them out afterwards, is 0.015 of the start."""

    def default_schema(self, schema: WithDefaultSchema) -> Schema:
        """Return the schema of a field that has a default."""
        return self.generate_inner(schema["schema"])


def output_schema(model: type[BaseModel]) -> Schema:
    """Return a short output schema: no titles, no defaults, no docstrings, nullable types as an array of types."""
    return _short(model.model_json_schema(schema_generator=_WithoutDefaults))  # type: ignore[no-any-return]


def _short(node: Any) -> Any:
    if isinstance(node, list):
        return [_short(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {name: _short(value) for name, value in node.items() if name != "title"}
    if isinstance(kept.get("properties"), dict):
        # A field may itself be called "title": names of fields are not keywords.
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
