"""`key=value` as a person types it, into what a tool's schema calls for."""

from collections.abc import Iterable, Mapping
from typing import Any

import pydantic_core

from errtrack_mcp.settings import ConfigurationError

TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def from_pairs(pairs: Iterable[str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Read `key=value` pairs, each typed as `schema` (a tool's input schema) says.

    A value that cannot be typed stays text: the server then says what it should be. Raises ConfigurationError for
    what is no pair, and for a key given twice.
    """
    arguments: dict[str, Any] = {}
    properties = schema.get("properties", {})
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise ConfigurationError(
                [f"{pair!r} is not like key=value. Valid keys: {', '.join(properties) or 'none'}."]
            )
        if key in arguments:
            raise ConfigurationError([f"{key} is given twice; give it once, a list as {key}='[...]'."])
        arguments[key] = typed(value, properties.get(key, {}))
    return arguments


def from_json(text: str) -> dict[str, Any]:
    """Read all arguments from one JSON object. Raises ConfigurationError for anything else."""
    try:
        arguments = pydantic_core.from_json(text)
    except ValueError as error:
        raise ConfigurationError([f"--json is not JSON: {error}. Quote the whole of it: --json '{{...}}'."]) from None
    if not isinstance(arguments, dict):
        raise ConfigurationError(["--json must be an object with one member for each argument: --json '{...}'."])
    return arguments


def typed(value: str, schema: Mapping[str, Any]) -> Any:
    """Turn text into the type that a property's schema names, or leave it as it is."""
    kind = schema.get("type")
    if kind == "boolean":
        return TRUTH.get(value.lower(), value)
    if kind in {"integer", "number", "object"}:
        return _decoded(value)
    if kind == "array":
        read = _decoded(value)
        return read if isinstance(read, list) else [typed(item, schema.get("items", {})) for item in value.split(",")]
    return value


def _decoded(value: str) -> Any:
    try:
        return pydantic_core.from_json(value)
    except ValueError:
        return value
