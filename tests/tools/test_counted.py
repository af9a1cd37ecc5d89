"""A number with its noun."""

import pytest

from errtrack_mcp.tools.counted import counted


@pytest.mark.parametrize(("number", "said"), [(0, "0 maps"), (1, "1 map"), (2, "2 maps"), (12345, "12,345 maps")])
def test_one_of_them_is_one(number: int, said: str) -> None:
    """Of none and of many there are several."""
    assert counted(number, "map", "maps") == said
