"""The table, the verdict, and the page that keeps them."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.samples import Samples
from benchmarks.sides import HERE, versions

PAGE = HERE.parent / "docs" / "benchmarks.md"
FINDINGS = HERE / "findings.md"


@dataclass(frozen=True)
class Limit:
    """A figure of the table against what it must reach."""

    figure: str
    reached: float
    limit: float
    unit: str = "times"
    at_least: bool = False
    remark: str = ""

    @property
    def kept(self) -> bool:
        """Whether the limit is kept."""
        return self.reached >= self.limit if self.at_least else self.reached <= self.limit

    def row(self) -> list[str]:
        """Write it for a table."""
        bound = f"{'at least' if self.at_least else 'at most'} {number(self.limit)} {self.unit}"
        return [
            self.figure,
            f"{number(self.reached)} {self.unit}",
            bound,
            "yes" if self.kept else "**no**",
            self.remark,
        ]


def number(value: float) -> str:
    """Write a number with as many digits as it is worth."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table that reads well as text too."""
    lines = [list(head), ["-" * len(cell) for cell in head], *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    padded[1] = ["-" * width for width in widths]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def limits_table(limits: Sequence[Limit]) -> str:
    """Write every figure against its limit."""
    return table(["figure", "reached", "must reach", "kept", "remark"], [limit.row() for limit in limits])


def samples_table(figures: Mapping[str, Mapping[str, Samples]], sides: Sequence[str]) -> str:
    """Write for every figure and side: median, least or most, spread."""
    rows = [
        [figure, *(_cell(samples[side]) if side in samples else "" for side in sides)]
        for figure, samples in figures.items()
    ]
    return table(["median (smallest, spread)", *sides], rows)


def _cell(samples: Samples) -> str:
    return f"{number(samples.median)} ({number(samples.least)}, ±{samples.spread / 2:.0%}, n={len(samples.values)})"


def machine() -> str:
    """Describe the machine."""
    model = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = next((int(line.split()[1]) / 1e6 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return (
        f"{model or platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB; {platform.system()} "
        f"{platform.release()}; Python {platform.python_version()}; Node.js {_node()}"
    )


def write_page(limits: Sequence[Limit], tables: Mapping[str, str]) -> None:
    """Write docs/benchmarks.md: what was measured, then what was found, which is written by hand."""
    measured = "\n\n".join(f"### {title}\n\n{text}" for title, text in tables.items())
    packages = "\n".join(f"- {name}: {version}" for name, version in versions().items())
    PAGE.write_text(
        "# Benchmarks\n\n"
        "Written by `make bench`, which measures all sides in one run, in turns, on loopback: the upstream is the "
        "sandbox. What is compared is the floor: a bare `mcp` server whose one tool forwards the same request with "
        "the same HTTP client. A ratio is the median of the ratios of each round; those of the medians and of the "
        "best runs stand next to it, and where the three disagree the machine was not quiet. A stack trace is resolved "
        "by a call of a running server, and by a bare script (httpx and `symbolic`) from its start to its end.\n\n"
        f"{datetime.now(UTC):%d %B %Y}. {machine()}.\n\n{packages}\n\n"
        f"## Against the limits\n\n{limits_table(limits)}\n\n## Side by side\n\n{measured}\n\n"
        f"{FINDINGS.read_text().strip()}\n",
        encoding="utf-8",
    )


def _lines(file: str) -> list[str]:
    path = Path(file)
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _node() -> str:
    try:
        return subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    except OSError:
        return "not installed"
