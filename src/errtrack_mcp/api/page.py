"""A page of results, without the links that the API sends with it."""

from functools import cache
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field

from errtrack_mcp.api.models import OURS, ToolOutput

# No tokenizer is asked at run time; JSON of nothing but ids has about two bytes a token, prose four.
BYTES_A_TOKEN = 2

Item = TypeVar("Item")
Row = TypeVar("Row", bound=ToolOutput)


class Page(ToolOutput, Generic[Row]):
    """Some of the rows, and the offset of the next ones."""

    count: Annotated[int | None, Field(description="null: not counted")]
    next_offset: Annotated[int | None, Field(description="null: last page")]
    left_out: Annotated[str, OURS] = ""
    results: list[Row]

    def shrunk(self, rows: list[Row], offset: int, max_tokens: int) -> "Page[Row]":
        """Return the page with `rows` in place of its own, and of these only as many as fit into `max_tokens`.

        `offset` is that of the first row. At least one row is kept; `left_out` says how many were not, and
        `next_offset` is where they begin.
        """
        room = max_tokens * BYTES_A_TOKEN
        for kept, row in enumerate(rows):
            room -= len(row.model_dump_json(exclude_unset=True))
            if room < 0 and kept:
                said = f"{len(rows) - kept} rows did not fit into max_tokens={max_tokens}: go on at next_offset"
                changes = {"results": rows[:kept], "next_offset": offset + kept, "left_out": said}
                return self.model_copy(update=changes)
        return self.model_copy(update={"results": rows})


class ListAnswer(BaseModel, Generic[Item]):
    """A page as the API sends it (contract, section 3); of `next` only its presence is used."""

    count: int | None = None
    next: str | None = None
    results: list[Item]


@cache
def list_answer(of: type[Row]) -> type[ListAnswer[Row]]:
    """Return the model of a page of such rows; to ask pydantic for it costs more than to read a short page."""
    return ListAnswer[of]  # type: ignore[valid-type]
