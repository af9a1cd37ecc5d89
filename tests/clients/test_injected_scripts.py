"""Strange scripts mean after an injection what they meant before: Node says so."""

import json
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errtrack_mcp.builds.inject import with_injection, without_injection
from tests.support.installed import environment
from tests.support.npm import CLIENTS, runtime

pytestmark = pytest.mark.usefixtures("node")

ID, RELEASE_ID = "0197f6a5-7f4e-5b0a-9d5f-3a6b1c2d4e5f", "01a218f1-e56b-0000-b037-33486868263e"
STRICT = "\nfunction isStrict() { return this === undefined; }"
BLANKS = [
    "\n",
    "\r\n",
    "\r",
    "\u2028",
    " ",
    "\t",
    "\u00a0",
    "\ufeff",
    "// c\n",
    "/* c */",
    "/*\n*/",
    "/*\u2028*/",
    "/**/",
]
DIRECTIVES = ['"use strict"', "'use strict'", '"use client"', '"a\\\nb"', "'\u2028'", '"\\x20/*"', "'//'"]
# Where a statement may begin, but not behind one that may go on: what follows is read in two ways there.
HTML_COMMENTS = ["<!-- h\n", "\n--> h\n"]
HAZARDS = """
    (f)() | [1].x | `t` | `${1}` | /r/.test("") | /"/ | +f | ++f; | -f | --f; | ~f; | !f; | !=f | in f | in$;
    var in$=1; | instanceof f | instanceofx; | {} | .length | ,f() | ?1:2 | =1 | *2 | **2 | %f | =>1 | &&f | ??f
    ?.x | #x | @x | } | function g(){} | class A{} | let z=1; | \\u0061; | é=1; | 𝄞 | 0 | with({}){} | 010; | ;
    f() | f(); | debugger;
"""
CODE = [each.strip() for line in HAZARDS.strip().splitlines() for each in line.split(" | ")]


def joined(parts: list[str]) -> str:
    """Join parts to a script."""
    return "".join(parts)


BLANK = st.lists(st.sampled_from(BLANKS), max_size=2).map(joined)
STATEMENT_START = st.lists(st.sampled_from(BLANKS + HTML_COMMENTS), max_size=2).map(joined)
ENDED = st.builds("{}{}{};".format, STATEMENT_START, st.sampled_from(DIRECTIVES), BLANK)
OPEN = st.builds("{}{}{}".format, BLANK, st.sampled_from(DIRECTIVES), BLANK)
SCRIPTS = st.builds(
    "{}{}{}{}{}{}".format,
    st.sampled_from(["", "\ufeff", "#!/bin/node\n", "#!x\r\n", "#!x\u2028"]),
    st.lists(ENDED, max_size=2).map(joined),
    st.one_of(STATEMENT_START, OPEN),
    st.lists(st.sampled_from(CODE + BLANKS + DIRECTIVES), max_size=4).map(joined),
    st.just(STRICT),
    st.sampled_from(["", "\n", "\r\n", "\n// the end", "\n//# sourceMappingURL=app.js.map"]),
)


def looked_at(scripts: list[str]) -> list[dict[str, Any]]:
    """Ask Node what each script is."""
    done = subprocess.run(
        [runtime(), str(CLIENTS / "look_at_scripts.mjs")],
        input=json.dumps(scripts),
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@settings(max_examples=30, deadline=None)
@given(st.lists(SCRIPTS, min_size=20, max_size=60))
def test_a_strange_script_parses_and_is_strict_as_before(scripts: list[str]) -> None:
    """Whatever its statements begin and end with; and it comes out of the injection as it was."""
    injected = [with_injection(script, ID, RELEASE_ID) for script in scripts]
    found = looked_at([*scripts, *(edited.script for edited in injected)])
    for script, edited, before, after in zip(scripts, injected, found, found[len(scripts) :], strict=False):
        assert after == before, (script, edited.script)
        assert without_injection(edited.script, ID).script == script
