"""The skills: what each needs, and its file. An assistant reads the file that it has chosen by its description."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

FILES = Path(__file__).parent
SKILL_FILE = "SKILL.md"
FENCE = "---\n"


class Skill(NamedTuple):
    """A skill, for those who may call every tool in `needs`. For every other tool it says what else to do."""

    name: str
    needs: frozenset[str]

    @property
    def uri(self) -> str:
        """The address of its file as a resource."""
        return f"skill://{self.name}/{SKILL_FILE}"

    @property
    def text(self) -> str:
        """Its file, frontmatter included."""
        return _read(self.name)

    @property
    def frontmatter(self) -> dict[str, str]:
        """The fields that its file begins with: each on one line, in words that YAML reads as they stand."""
        fields = self.text.split(FENCE, 2)[1]
        return dict(line.split(": ", 1) for line in fields.splitlines())


@cache
def _read(name: str) -> str:
    return (FILES / name / SKILL_FILE).read_text("utf-8")


SKILLS = (
    Skill("fix-minified-traces", frozenset({"error-tracking-symbol-sets-diagnose"})),
    Skill(
        "check-a-release",
        frozenset(
            {
                "error-tracking-symbol-sets-diagnose",
                "error-tracking-releases-compare",
                "error-tracking-releases-list",
            }
        ),
    ),
    Skill(
        "triage-issues",
        frozenset(
            {"query-error-tracking-issues-list", "query-error-tracking-issue", "query-error-tracking-issue-events"}
        ),
    ),
)
