"""The base of everything that the API returns, of everything that a tool answers, and a page of rows."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

# No tokenizer is asked at run time; JSON of nothing but ids has about two bytes a token, prose four.
BYTES_A_TOKEN = 2
# What stands around the rows of a page: prose of some 100 tokens.
BYTES_AROUND_ROWS = 100 * BYTES_A_TOKEN

Item = TypeVar("Item")
Row = TypeVar("Row", bound="ToolOutput")


class Ours:
    """Marks a field whose text this server writes itself, as in `Annotated[str, OURS]`.

    Text in every other field may have been written by strangers, and is named to the model as data.
    """


OURS = Ours()


class ToolOutput(BaseModel):
    """A model that is written out with the fields that it was given and no others."""

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """Return the fields that were given, those of models inside included."""
        return super().model_dump(**{**options, "exclude_unset": True})


class ApiModel(ToolOutput):
    """An object as the API returned it: unknown fields are kept, missing ones stay missing.

    Null counts as missing for a field whose default is not None. A summary is the same model with fewer fields.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    never_null: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **_options: Any) -> None:
        """Note which fields cannot be null."""
        cls.never_null = frozenset(name for name, field in cls.model_fields.items() if field.default is not None)

    @model_validator(mode="before")
    @classmethod
    def _drop_impossible_nulls(cls, data: Any) -> Any:
        if not isinstance(data, dict) or None not in data.values():
            return data
        return {name: value for name, value in data.items() if value is not None or name not in cls.never_null}

    def only(self, *names: str, **replaced: Any) -> Self:
        """Return a copy with these fields, without those that are null, and with `replaced` put in."""
        own = self.__dict__
        given = self.model_fields_set
        kept = {name: own[name] for name in names if name in given and own[name] is not None}
        return self.model_validate({**kept, **replaced})


def how_many_fit(rows: Sequence[ToolOutput], answer: ToolOutput, max_tokens: int) -> int:
    """Return how many of the first rows fit into `max_tokens` next to an answer without any, at least one."""
    room = max_tokens * BYTES_A_TOKEN - len(answer.model_dump_json(exclude_unset=True))
    for number, row in enumerate(rows):
        room -= len(row.model_dump_json(exclude_unset=True)) + 1
        if room < 0 and number:
            return number
    return len(rows)


class Page(ToolOutput, Generic[Row]):
    """Some of the rows, and the offset of the next ones."""

    count: Annotated[int | None, Field(description="null: not counted")]
    next_offset: Annotated[int | None, Field(description="null: last page")]
    left_out: Annotated[str, OURS] = ""
    results: list[Row]

    def shrunk(self, rows: Iterable[Row], offsets: Sequence[int], max_tokens: int) -> Self:
        """Return the page with `rows` in place of its own, and of these only as many as fit into `max_tokens`.

        `offsets` has the offset of each row. At least one row is kept; `left_out` says how many were not, and
        `next_offset` is where they begin. Rows beyond these are not asked for.
        """
        room = max_tokens * BYTES_A_TOKEN - BYTES_AROUND_ROWS
        kept: list[Row] = []
        for row in rows:
            room -= len(row.model_dump_json(exclude_unset=True)) + 1
            if room < 0 and kept:
                beyond = len(offsets) - len(kept)
                said = f"{beyond} rows did not fit into max_tokens={max_tokens}: go on at next_offset"
                return self.model_copy(update={"results": kept, "next_offset": offsets[len(kept)], "left_out": said})
            kept.append(row)
        return self.model_copy(update={"results": kept})


class ListBody(BaseModel, Generic[Item]):
    """A page as the API sends it (docs/posthog-api.md, section 3); of `next` only its presence is used."""

    count: int | None = None
    next: str | None = None
    results: list[Item]


@cache
def list_body(of: type[Row]) -> type[ListBody[Row]]:
    """Return the model of a page of such rows; to ask pydantic for it costs more than to read a short page."""
    return ListBody[of]  # type: ignore[valid-type]
