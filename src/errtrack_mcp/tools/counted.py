"""A number with its noun, as a sentence has it. Pure."""


def counted(number: int, one: str, several: str) -> str:
    """Return `1 script` or `2 scripts`; a verb can stand behind the noun: `1 script is`, `2 scripts are`."""
    return f"{number:,} {one if number == 1 else several}"
