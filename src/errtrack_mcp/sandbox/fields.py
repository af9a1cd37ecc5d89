"""Values of a request, read and refused field by field in the words of the framework that the API is built on."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from errtrack_mcp.sandbox.envelope import invalid

Value = TypeVar("Value")
Reader = Callable[[Any], Any]

TRUE = frozenset({"t", "y", "yes", "true", "on", "1", 1})
FALSE = frozenset({"f", "n", "no", "false", "off", "0", 0})
SURROGATE = re.compile("[\ud800-\udfff]")


class RefusedError(Exception):
    """A field does not take a value."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail

    def __repr__(self) -> str:
        return f"ErrorDetail(string={self.detail!r}, code={self.code!r})"


def read_text(value: Any) -> str:
    """Read a text and trim it; a number becomes text."""
    _check_given(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise RefusedError("invalid", "Not a valid string.")
    text = str(value).strip()
    if not text:
        raise RefusedError("blank", "This field may not be blank.")
    if "\0" in text:
        raise RefusedError("null_characters_not_allowed", "Null characters are not allowed.")
    if found := SURROGATE.search(text):
        detail = f"Surrogate characters are not allowed: U+{ord(found[0]):X}."
        raise RefusedError("surrogate_characters_not_allowed", detail)
    return text


def read_size(value: Any) -> int:
    """Read a whole number that is not negative; digits in a text are one."""
    _check_given(value)
    try:
        number = int(re.sub(r"\.0*\s*$", "", str(value)))
    except ValueError:
        raise RefusedError("invalid", "A valid integer is required.") from None
    if number < 0:
        raise RefusedError("min_value", "Ensure this value is greater than or equal to 0.")
    return number


def read_boolean(value: Any) -> bool:
    """Read a truth value, or a word for one."""
    _check_given(value)
    word = value.lower() if isinstance(value, str) else value
    if not isinstance(word, str | int | float) or word not in TRUE | FALSE:
        raise RefusedError("invalid", "Must be a valid boolean.")
    return word in TRUE


def or_null(read: Callable[[Any], Value]) -> Callable[[Any], Value | None]:
    """Let a field be null as well."""
    return lambda value: None if value is None else read(value)


def read_field(name: str, value: Any, read: Callable[[Any], Value]) -> Value:
    """Read one field of a request, or refuse the request by its name."""
    try:
        return read(value)
    except RefusedError as refused:
        code = "invalid_input" if refused.code == "invalid" else refused.code
        raise invalid(refused.detail, code, name) from None


def read_list(name: str, value: Any) -> list[Any]:
    """Return a list of the request, or refuse what is none."""
    if value is None:
        raise invalid("This field may not be null.", "null", name)
    if not isinstance(value, list):
        raise invalid(f'Expected a list of items but got type "{type(value).__name__}".', "not_a_list", name)
    return value


def read_objects(name: str, rows: list[Any], readers: Mapping[str, Reader], required: str) -> list[dict[str, Any]]:
    """Read a list of objects. A refusal names the list alone, and says of its first object what was wrong with it."""
    read = [_read_object(row, readers, required) for row in rows]
    if any(refusals for _values, refusals in read):
        refusals = read[0][1]
        codes = {field: [refused.code] for field, refused in refusals.items()}
        details = {field: [refused] for field, refused in refusals.items()}
        raise invalid(str(details), str(codes), name)
    return [values for values, _refusals in read]


def _check_given(value: Any) -> None:
    if value is None:
        raise RefusedError("null", "This field may not be null.")


def _read_object(
    row: Any, readers: Mapping[str, Reader], required: str
) -> tuple[dict[str, Any], dict[str, RefusedError]]:
    """Read the fields of one object; return them, and why others were refused."""
    if not isinstance(row, dict):
        detail = f"Invalid data. Expected a dictionary, but got {type(row).__name__}."
        return {}, {"non_field_errors": RefusedError("invalid", detail)}
    values: dict[str, Any] = {}
    refusals: dict[str, RefusedError] = {}
    if required not in row:
        refusals[required] = RefusedError("required", "This field is required.")
    for field, read in readers.items():
        if field in row:
            try:
                values[field] = read(row[field])
            except RefusedError as refused:
                refusals[field] = refused
    return values, refusals
