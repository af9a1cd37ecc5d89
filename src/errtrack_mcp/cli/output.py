"""The output of commands: tables and colours on a terminal, plain lines for other programs elsewhere."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import click
from mcp.shared.dispatcher import ProgressFnT
from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

# Of a verdict: yes, no, could not tell. Python's own exit code for a crash would say no.
EXIT_CODES = {True: 0, False: 1, None: 2}

# Pale enough for either background; NO_COLOR and TERM=dumb are used by rich itself.
THEME = Theme({"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim", "name": "cyan"})


def screen() -> Console:
    """Return standard output for people; nothing printed to it is read as markup or coloured by guess."""
    return Console(highlight=False, markup=False, emoji=False, theme=THEME)


def is_terminal() -> bool:
    """Return whether a person reads standard output."""
    return sys.stdout.isatty()


def lines_of_states(states: Mapping[str, str]) -> Iterator[str]:
    """Return `  no_map (2): it has no source map` for each state of an answer, which says `2: it has no source map`."""
    for state, said in states.items():
        number, _, meaning = said.partition(": ")
        yield f"  {state} ({number}): {meaning}"


def can_ask() -> bool:
    """Return whether a person sees a question and can answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def table(*columns: str) -> Table:
    """Return an empty table that needs no width of its own; where room is short, the last column gives way."""
    made = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=any(columns))
    for column in columns[:-1]:
        made.add_column(column, no_wrap=True)
    made.add_column(columns[-1], overflow="fold")
    return made


def print_rows(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print a table on a terminal; in a pipe, one line for each row with a tab between its columns."""
    if not is_terminal():
        for row in rows:
            click.echo("\t".join(row))
        return
    shown = table(*columns)
    for *cells, last in rows:
        shown.add_row(*map(Text, cells), Text(last, no_wrap=True, overflow="ellipsis"))
    screen().print(shown)


@contextmanager
def progress(first: str) -> Iterator[ProgressFnT | None]:
    """Show a bar on stderr where a person sees it, beginning with the words `first`; yields what moves it, or None."""
    said = Console(stderr=True)
    if not said.is_terminal:
        yield None
        return
    bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=said, transient=True)
    task = bar.add_task(first, total=None)

    async def report(progress: float, total: float | None, message: str | None) -> None:
        bar.update(task, completed=progress, total=total, description=message or "")

    with bar:
        yield report


def fits(console: Console, shown: Table) -> bool:
    """Return whether every cell of a table can be shown whole, on one line."""
    return Measurement.get(console, console.options.update(max_width=10_000), shown).maximum <= console.width
