"""Objects of the API, and pages of them."""

from collections.abc import Iterator

import pytest

from errtrack_mcp.api.models import ApiModel, Page, ToolOutput


class Row(ApiModel):
    """An object with a field that may be null, and one that may not."""

    id: str
    version: str = ""
    metadata: dict[str, str] | None = None


class Answer(ToolOutput):
    """An answer with a field that is not always there."""

    done: bool
    note: str = ""
    row: Row | None = None


def test_fields_that_were_not_given_are_not_written() -> None:
    """At any depth: an answer says nothing about what nobody asked."""
    assert Answer(done=True).model_dump() == {"done": True}
    assert Answer(done=True, row=Row(id="1")).model_dump() == {"done": True, "row": {"id": "1"}}


def test_unknown_fields_stay_and_impossible_nulls_go() -> None:
    """What a newer API adds is passed on; null for a text counts as missing, where null means something it stays."""
    row = Row.model_validate({"id": "1", "version": None, "metadata": None, "added": 3})
    assert row.model_dump() == {"id": "1", "metadata": None, "added": 3}


def test_a_summary_has_some_of_the_fields() -> None:
    """Those that are named and not null, and what is put in their place."""
    row = Row(id="1", version="2", metadata=None)
    assert row.only("id", "metadata", version="3").model_dump() == {"id": "1", "version": "3"}


@pytest.mark.parametrize(("max_tokens", "kept"), [(1, 1), (120, 2), (1_000, 3)])
def test_a_page_is_cut_between_rows(max_tokens: int, kept: int) -> None:
    """At least one row is kept; the answer says how many are left out, and where they begin."""
    rows = [Row(id=f"{number:08}") for number in range(3)]
    page = Page[Row](count=3, next_offset=None, results=rows).shrunk(rows, [10, 14, 19], max_tokens)
    assert page.results == rows[:kept]
    if kept == 3:
        assert (page.next_offset, "left_out" in page.model_fields_set) == (None, False)
    else:
        assert page.next_offset == [10, 14, 19][kept]
        assert page.left_out.startswith(f"{3 - kept} rows did not fit")


def test_rows_beyond_those_that_fit_are_not_made() -> None:
    """A page of a hundred rows need not be summarised to show ten."""
    made = []

    def rows() -> Iterator[Row]:
        for number in range(100):
            made.append(number)
            yield Row(id=f"{number:08}")

    page = Page[Row](count=100, next_offset=None, results=[]).shrunk(rows(), range(100), 500)
    assert len(page.results) == page.next_offset == len(made) - 1
    assert page.left_out.startswith(f"{100 - len(page.results)} rows did not fit")
