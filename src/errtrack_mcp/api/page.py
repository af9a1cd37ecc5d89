"""A page of results, without the links that the API sends with it."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field

from errtrack_mcp.api.model import Answer

Row = TypeVar("Row")


class Page(Answer, Generic[Row]):
    """Some of the rows, and the offset of the next ones."""

    count: Annotated[int | None, Field(description="All matching rows; null where the installation does not count")]
    next_offset: Annotated[int | None, Field(description="offset of the next page; null on the last")]
    results: list[Row]


class ListAnswer(BaseModel, Generic[Row]):
    """A page as the API sends it (contract, section 3); of `next` only its presence is used."""

    count: int | None = None
    next: str | None = None
    results: list[Row]
