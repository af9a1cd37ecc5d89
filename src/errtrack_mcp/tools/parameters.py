"""Argument types that tools share, each explained once."""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import from_json

MAX_TOKENS = 8_000  # clients cut longer answers off, some of them in the middle


def _whole_number(value: Any) -> Any:
    """Refuse true and false, which Python takes for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("should be a whole number")  # noqa: TRY004 - pydantic turns only ValueError into a line
    return value


def _hash_that_can_be_looked_up(value: str) -> str:
    if "/" in value or "." in value:
        raise ValueError(
            "has a '/' or '.', which PostHog cannot look up by hash; error-tracking-releases-list shows such releases"
        )
    return value


def _number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _list_in_text(value: Any) -> Any:
    """Read a list from clients that know of strings alone: JSON, or one item."""
    if not isinstance(value, str):
        return value
    try:
        read = from_json(value)
    except ValueError:
        return [value]
    return read if isinstance(read, list) else [value]


_BETWEEN_ADDRESSES = re.compile(r"\s*,\s+|\s+,\s*|,(?=https?://)|\s*\n\s*")


def _refs_in_text(value: Any) -> Any:
    """Read refs from text with commas as well: not at a comma within an address, which no blank follows."""
    read = _list_in_text(value)
    if read != [value]:
        return read
    return [part for part in _BETWEEN_ADDRESSES.split(value) if part] if "://" in value else value.split(",")


Text = Annotated[str, BeforeValidator(_number_as_text)]
ListInText = BeforeValidator(_list_in_text)
RefsInText = BeforeValidator(_refs_in_text)

ReleasesLimit = Annotated[int, Field(ge=1, le=500), BeforeValidator(_whole_number)]
SymbolSetsLimit = Annotated[int, Field(ge=1, le=100), BeforeValidator(_whole_number)]
WholeNumber = BeforeValidator(_whole_number)
Offset = Annotated[
    int, Field(ge=0, le=2**31 - 1, description="next_offset of the previous page"), BeforeValidator(_whole_number)
]
LineNumber = Annotated[int, Field(ge=0, le=2**31 - 1, description="From 1"), WholeNumber]
ColumnNumber = Annotated[int, Field(ge=0, le=2**31 - 1, description="From 1"), WholeNumber]
Detail = Annotated[Literal["summary", "full"], Field(description="full: every field of the API")]

MaxTokens = Annotated[
    int,
    Field(ge=500, le=2**31 - 1, description="Rows beyond it are left out"),
    BeforeValidator(_whole_number),
]

Version = Annotated[Text, Field(min_length=1, description="Often a commit hash")]
ProjectName = Annotated[Text, Field(min_length=1, description="App name, not the PostHog project")]
HashId = Annotated[Text, Field(min_length=1, max_length=128, description="Unique key of your choice")]
HashToLookUp = Annotated[
    Text,
    Field(min_length=1, max_length=128, description="Without / and ."),
    AfterValidator(_hash_that_can_be_looked_up),
]
EnsuredHashId = Annotated[
    HashToLookUp, Field(description="Default: the one that PostHog's CLI makes of project and version; without / and .")
]
METADATA = "PostHog's CLI writes {git: {commit_id, branch, remote_url, repo_name}, build}"
Metadata = Annotated[dict[str, Any] | None, WithJsonSchema({"type": "object", "description": METADATA})]
ReplacingMetadata = Annotated[
    dict[str, Any] | None, WithJsonSchema({"type": "object", "description": f"Replaces all metadata. {METADATA}"})
]
Confirm = Annotated[Text, Field(description="Leave out for the preview; then repeat all arguments with its confirm")]
Days = Annotated[int, Field(ge=0, le=3650, description="0: any age"), BeforeValidator(_whole_number)]
ReleaseId = Annotated[UUID | None, Field(description="Id of a release")]
