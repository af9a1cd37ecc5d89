"""What is printed for a person, and what for another program."""

import sys

import pytest
from rich.console import Console

from errtrack_mcp.cli.output import fits, print_rows, progress, table

ROWS = [("a-long-name", "[red]1[/red]", "the last column is long enough for any width"), ("b", "", ":smile:")]


def test_another_program_reads_a_line_for_each_row(capsys: pytest.CaptureFixture[str]) -> None:
    """With a tab between its columns, no heading, and nothing cut."""
    print_rows(("name", "size", "what it is"), ROWS)
    assert capsys.readouterr().out.splitlines() == ["\t".join(row) for row in ROWS]


def test_a_person_reads_a_table_whose_last_column_gives_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each row keeps to its line, and no text in it is taken for markup."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    print_rows(("name", "size", "what it is"), ROWS)
    heading, first, second = (line.rstrip() for line in capsys.readouterr().out.splitlines())
    assert "name" in heading
    assert first.endswith("…")
    assert first.split("  ")[:2] == ["a-long-name", "[red]1[/red]"]
    assert second.endswith(":smile:")
    assert len(first) == 40


def test_a_table_without_names_has_no_heading() -> None:
    """It stands under a sentence that says what it shows."""
    assert table("name", "size").show_header
    assert not table("", "").show_header


def test_a_table_fits_where_no_cell_is_cut() -> None:
    """Down to its own width, and not below."""
    shown = table("a", "b")
    shown.add_row("x" * 10, "y" * 20)
    assert [fits(Console(width=width), shown) for width in (80, 32, 31)] == [True, True, False]


def test_where_nobody_sees_a_bar_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor a callback that would make a server report."""
    with progress("Reading") as report:
        assert report is None
    assert capsys.readouterr() == ("", "")
