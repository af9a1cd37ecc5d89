"""Symbol sets as rows of the API, and their counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from errtrack_mcp.tools.symbol_set_counts import SymbolSetCounts, SymbolSetRow

ROW = TypeAdapter(SymbolSetRow)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def row(days: float = 1, used: float | None = None, **fields: Any) -> SymbolSetRow:
    """Make a symbol set, so many days old and last used so many days ago."""
    given = {
        "id": "x",
        "ref": "chunk",
        "has_uploaded_file": True,
        "created_at": (NOW - timedelta(days=days)).isoformat(),
        "last_used": None if used is None else (NOW - timedelta(days=used)).isoformat(),
        "failure_reason": None,
        "release": None,
    }
    return ROW.validate_python({**given, **fields})


def counts_of_sets(*rows: SymbolSetRow, days: int = 7) -> SymbolSetCounts:
    """Count these."""
    counted = SymbolSetCounts(NOW, timedelta(days=days))
    for each in rows:
        counted.add(each)
    return counted
