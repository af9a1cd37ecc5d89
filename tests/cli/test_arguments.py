"""What a person types, into what a schema calls for."""

from typing import Any

import pytest

from errtrack_mcp.cli.arguments import from_pairs, typed
from errtrack_mcp.settings import ConfigurationError


@pytest.mark.parametrize(
    ("value", "schema", "meant"),
    [
        ("5", {"type": "integer"}, 5),
        ("2.5", {"type": "number"}, 2.5),
        ("five", {"type": "integer"}, "five"),
        ("yes", {"type": "boolean"}, True),
        ("False", {"type": "boolean"}, False),
        ("maybe", {"type": "boolean"}, "maybe"),
        ("1.10", {"type": "string"}, "1.10"),
        ("true", {"type": "string"}, "true"),
        ('{"a": 1}', {"type": "object"}, {"a": 1}),
        ('["a", "b"]', {"type": "array", "items": {"type": "string"}}, ["a", "b"]),
        ("a,b", {"type": "array", "items": {"type": "string"}}, ["a", "b"]),
        ("1", {"type": "array", "items": {"type": "integer"}}, [1]),
        ("5", {}, "5"),
    ],
)
def test_a_value_gets_the_type_that_the_schema_names(value: str, schema: dict[str, Any], meant: object) -> None:
    """What cannot be that stays text, for the server to refuse in its own words."""
    assert typed(value, schema) == meant
    assert type(typed(value, schema)) is type(meant)


def test_only_the_first_equals_sign_divides() -> None:
    """A value may hold more of them, or be empty."""
    assert from_pairs(["ref=a=b", "search="], {}) == {"ref": "a=b", "search": ""}
    with pytest.raises(ConfigurationError, match="not like key=value"):
        from_pairs(["=b"], {})
