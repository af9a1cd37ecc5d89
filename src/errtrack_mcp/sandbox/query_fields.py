"""Bodies of queries, read field by field: the first wrong one is named, unknown ones are passed over."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from errtrack_mcp.sandbox.envelope import invalid
from errtrack_mcp.sandbox.event_filters import OPERATORS
from errtrack_mcp.sandbox.fields import RefusedError, read_boolean, read_field, read_list, read_text

FieldReader = Callable[[str, Any], Any]
REQUIRED: Any = object()
TYPES = (
    *("event", "feature", "person", "cohort", "element", "static-cohort", "dynamic-cohort", "precalculated-cohort"),
    *("group", "recording", "log_entry", "behavioral", "session", "hogql", "error_tracking_issue"),
)


@dataclass(frozen=True, slots=True)
class Field:
    """How a field is read, and what it is when it is left out."""

    read: FieldReader
    default: Any = None


def read_fields(data: Any, fields: Mapping[str, Field], path: str = "") -> dict[str, Any]:
    """Read an object field by field; names in refusals begin with `path`."""
    if not isinstance(data, dict):
        detail = f"Invalid data. Expected a dictionary, but got {type(data).__name__}."
        raise invalid(detail, attr=path.removesuffix("__") or None)
    values = {}
    for name, field in fields.items():
        if name in data:
            values[name] = field.read(path + name, data[name])
        elif field.default is REQUIRED:
            raise invalid("This field is required.", "required", path + name)
        else:
            values[name] = field.default
    return values


def text(longest: int | None = None) -> FieldReader:
    """Read a text that is not empty."""

    def read(value: Any) -> str:
        found = read_text(value)
        if longest is not None and len(found) > longest:
            raise RefusedError("max_length", f"Ensure this field has no more than {longest} characters.")
        return found

    return lambda name, value: read_field(name, value, read)


def whole_number(least: int, most: int | None = None) -> FieldReader:
    """Read a whole number between two others."""

    def read(value: Any) -> int:
        if value is None:
            raise RefusedError("null", "This field may not be null.")
        try:
            number = int(str(value).removesuffix(".0"))
        except ValueError:
            raise RefusedError("invalid", "A valid integer is required.") from None
        if most is not None and number > most:
            raise RefusedError("max_value", f"Ensure this value is less than or equal to {most}.")
        if number < least:
            raise RefusedError("min_value", f"Ensure this value is greater than or equal to {least}.")
        return number

    return lambda name, value: read_field(name, value, read)


def choice(*choices: str) -> FieldReader:
    """Read one of a few words."""

    def read(value: Any) -> str:
        if value is None:
            raise RefusedError("null", "This field may not be null.")
        if value not in choices:
            raise RefusedError("invalid_choice", f'"{value}" is not a valid choice.')
        return str(value)

    return lambda name, value: read_field(name, value, read)


def flag(name: str, value: Any) -> bool:
    """Read a truth value."""
    return read_field(name, value, read_boolean)


def uuid(name: str, value: Any) -> str:
    """Read a UUID, in any form that is one."""

    def read(value: Any) -> str:
        if value is None:
            raise RefusedError("null", "This field may not be null.")
        try:
            return str(UUID(int=value) if isinstance(value, int) else UUID(value))
        except (AttributeError, TypeError, ValueError):
            raise RefusedError("invalid", "Must be a valid UUID.") from None

    return read_field(name, value, read)


def text_or_texts(name: str, value: Any) -> list[str]:
    """Read a text, or a list of some."""
    if value is None:
        raise invalid("This field may not be null.", "null", name)
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(each, str) for each in texts):
        raise invalid("Expected a string or a non-empty list of strings.", attr=name)
    return texts


def texts(name: str, value: Any) -> list[str]:
    """Read a list of texts."""
    read = text()
    return [read(f"{name}__{index}", each) for index, each in enumerate(read_list(name, value))]


def choices(*allowed: str) -> FieldReader:
    """Read a list of a few words."""
    read = choice(*allowed)
    return lambda name, value: [read(f"{name}__{index}", each) for index, each in enumerate(read_list(name, value))]


def dates(name: str, value: Any) -> dict[str, Any]:
    """Read a range of dates; what its texts mean is not looked at."""
    if value is None:
        raise invalid("This field may not be null.", "null", name)
    return read_fields(value, {"date_from": Field(text(), "-7d"), "date_to": Field(or_null(text()))}, f"{name}__")


def assignee(name: str, value: Any) -> dict[str, Any] | None:
    """Read whom an issue is assigned to; null is as good as nothing."""
    fields = {"id": Field(_number_or_text, REQUIRED), "type": Field(choice("user", "role"), REQUIRED)}
    return None if value is None else read_fields(value, fields, f"{name}__")


def an_object(name: str, value: Any) -> dict[str, Any]:
    """Read an object, whatever it holds."""
    if not isinstance(value, dict):
        raise invalid(f"Invalid data. Expected a dictionary, but got {type(value).__name__}.", attr=name)
    return value


def filters(name: str, value: Any) -> list[dict[str, Any]]:
    """Read a flat list of property filters; a filter in HogQL is refused."""
    fields = {
        "key": Field(text(), REQUIRED),
        "value": Field(_not_null, REQUIRED),
        "operator": Field(or_null(choice(*OPERATORS)), "exact"),
        "type": Field(choice(*TYPES), "event"),
    }
    items = [read_fields(item, fields, f"{name}__{index}__") for index, item in enumerate(read_list(name, value))]
    if any(item["type"] == "hogql" for item in items):
        raise invalid("HogQL property filters are not supported here.", attr=name)
    return items


def or_null(read: FieldReader) -> FieldReader:
    """Let a field be null as well."""
    return lambda name, value: None if value is None else read(name, value)


def _not_null(name: str, value: Any) -> Any:
    if value is None:
        raise invalid("This field may not be null.", "null", name)
    return value


def _number_or_text(name: str, value: Any) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise invalid("Expected a string or integer.", attr=name)
    return value
