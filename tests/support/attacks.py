"""The pytest plugin that counts attacks: `@pytest.mark.attack("kind")` on a test, and a table of tries and failures."""

from collections import Counter

import pytest

PROPERTY = "attack"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note the kind of attack where the report of the test has it, also from another process."""
    for mark in item.iter_markers(PROPERTY):
        item.user_properties.append((PROPERTY, mark.args[0]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table where attacks alone were run: each case of a test is one try."""
    if not config.option.markexpr.startswith(PROPERTY):
        return
    tries: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, ()):
            for name, kind in report.user_properties:
                if name == PROPERTY:
                    tries[kind] += 1
                    failures[kind] += outcome != "passed"
    width = max(map(len, tries), default=0)
    terminalreporter.section("attacks")
    terminalreporter.write_line(f"{'attack':{width}}  tries  failures")
    for kind in sorted(tries):
        terminalreporter.write_line(f"{kind:{width}}  {tries[kind]:5}  {failures[kind]:8}")
    terminalreporter.write_line(f"{'in all':{width}}  {tries.total():5}  {failures.total():8}")
