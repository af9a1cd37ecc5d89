"""The code and the comment that an injection adds to a script."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errtrack_mcp.builds.inject import (
    NoCode,
    Place,
    has_our_snippet,
    snippet,
    start_of_code,
    with_injection,
    without_injection,
)

ID = "0197f6a5-7f4e-5b0a-9d5f-3a6b1c2d4e5f"
OTHER_ID = "1197f6a5-7f4e-5b0a-9d5f-3a6b1c2d4e5f"
RELEASE_ID = "01a218f1-e56b-0000-b037-33486868263e"
# What PostHog's CLI puts before byte 0, as docs/posthog-api.md, section 6.1, describes it.
FOREIGN = (
    '!function(){try{var e="undefined"!=typeof window?window:{},n=(new e.Error).stack;'
    f'n&&(e._posthogChunkIds=e._posthogChunkIds||{{}},e._posthogChunkIds[n]="{ID}")}}catch(e){{}}}}();'
)


@pytest.mark.parametrize(
    ("before", "code"),
    [
        ("", "f();"),
        ("\ufeff", "f();"),
        ("#!/usr/bin/env node\n", "f();"),
        ("#!/usr/bin/env node\r\n'use strict';\r\n", "f();"),
        ('"use strict";', "f();"),
        ('/*! a license */"use strict";"use client";', "f();"),
        ('// one\n/* two\n * lines */ "use strict"\n', "f();"),
        ('"use strict" /* and */ ;\n\n', "f();"),
        ('"use strict"\n', "!function(){}()"),
        ('"use strict"\n', "'other'.length"),
        ("/* \u2028 */", "f();"),
        ("<!-- hidden\n", "f();"),
        ("--> hidden\n", "f();"),
        ('"use strict";\n<!-- hidden\n/**/', "f();"),
        ('"use strict"\n', "++f;"),
        ('"use strict"\n', "--f;"),
        ('"use strict"\n', "~f();"),
        ('"use strict"\n', "in$();"),
        ('"use strict"\n', "instanceofs();"),
    ],
)
def test_code_is_inserted_before_the_first_statement(before: str, code: str) -> None:
    """Hashbang, comments and directives keep their places, or they would lose their meaning."""
    edited = with_injection(before + code, ID)
    assert edited.script == f"{before}{snippet(ID)}{code}\n//# chunkId={ID}"


@pytest.mark.parametrize(
    "code",
    [
        '"use strict"\n(function(){})()',
        '"use strict"\n+ f()',
        '"use strict"\n!= f()',
        '"use strict"\nin f()',
        '"use strict"\n--> hidden\n.length',
        '"use strict"\n<!--f()',  # in a module this compares
        '"use strict".length',
        '"a" + f()',
        "`use strict`;f()",
    ],
)
def test_a_literal_that_goes_on_is_no_directive(code: str) -> None:
    """It is a part of the first statement, in front of which the code belongs."""
    assert start_of_code(code) == 0


@pytest.mark.parametrize("script", ["// only a comment", "/* and */", '"use strict"', ""])
def test_a_script_of_comments_alone_stays_one_that_runs(script: str) -> None:
    """Inserted at the end, the code would be a part of the last comment."""
    if not script:
        with pytest.raises(NoCode):
            with_injection(script, ID)
        return
    assert with_injection(script, ID).script.startswith(snippet(ID))


def test_a_hashbang_line_alone_is_no_code() -> None:
    """There is nothing in it that could fail, and nothing may stand before it."""
    with pytest.raises(NoCode):
        with_injection("#!/usr/bin/env node", ID)


def test_the_place_is_told_in_lines_and_units_of_utf_16() -> None:
    """Browsers and maps count so: a character beyond the basic plane counts twice."""
    edited = with_injection('#!x\r\n/*\r😀*/ "use strict"; f()', ID)
    assert edited.place == Place(2, 19, len(snippet(ID)))


@pytest.mark.parametrize(("before", "place"), [("", (0, 0)), ("'strict';", (0, 9)), ("\n\ufeff", (1, 1))])
def test_a_byte_order_mark_is_no_column(before: str, place: tuple[int, int]) -> None:
    """Browsers and Node take it away before they count."""
    edited = with_injection(f"\ufeff{before}f();", ID)
    assert edited.place == Place(*place, len(snippet(ID)))
    assert without_injection(edited.script, ID).place == edited.place


PREFIXES = st.sampled_from(["", "\ufeff", "#!/bin/node\n", '"use strict";', "/* é😀 */\r\n", "// x\n'use strict'\n"])
BODIES = st.text(alphabet="af(){};\"'/*\n\r é😀`\\$", max_size=60)


@given(PREFIXES, BODIES, st.sampled_from(["", RELEASE_ID]))
def test_what_was_injected_comes_out_again(prefix: str, body: str, release_id: str) -> None:
    """The script before the injection is needed for its content hash."""
    script = f"{prefix}f();{body}"
    edited = with_injection(script, ID, release_id)
    assert without_injection(edited.script, ID).script == script
    assert without_injection(edited.script, ID).place == edited.place
    assert has_our_snippet(edited.script, ID, release_id)


def test_code_of_another_tool_comes_out_too() -> None:
    """Its text differs, but it is one call with the name and the id in it."""
    injected = f'{FOREIGN}"use strict";f()\n//# sourceMappingURL=a.js.map\n//# chunkId={ID}'
    edited = without_injection(injected, ID)
    assert edited.script == '"use strict";f()\n//# sourceMappingURL=a.js.map'
    assert edited.place == Place(0, 0, len(FOREIGN))
    assert not has_our_snippet(injected, ID, "")


@pytest.mark.parametrize(
    "script",
    [
        f'!function(){{window._posthogChunkIds["x"]="{ID}"}}(),app();',  # a minifier has joined it with the app
        FOREIGN.replace(ID, OTHER_ID) + "app();",
        f'!function(){{window._posthogChunkIds["x"]="{ID}"',
        f'!function(){{/*{"x" * 5000}*/_posthogChunkIds="{ID}"}}();app();',
        f'register({{_posthogChunkIds:"{ID}"}});app();',
        f"{FOREIGN.removesuffix(';')}\napp();",  # written without semicolons
    ],
)
def test_what_may_be_code_of_the_app_stays(script: str) -> None:
    """Only what is surely nothing but the injected call is removed."""
    edited = without_injection(f"{script}\n//# chunkId={ID}", ID)
    assert (edited.script, edited.place) == (script, None)


def test_another_chunks_comment_stays() -> None:
    """A longer id begins with the same characters, and a line inside a literal is not the last one."""
    script = f"f();\n//# chunkId={ID}0\n//# chunkId={OTHER_ID}"
    assert without_injection(script, ID).script == script


@pytest.mark.parametrize(
    ("end", "left"),
    [
        (f"\n//# chunkId={ID}\n//# sourceMappingURL=a.js.map\n", "\n//# sourceMappingURL=a.js.map\n"),
        (f"\r\n//# chunkId={ID}\r\n\r\n", "\r\n\r\n"),
        (f"\n  // end\n//# chunkId={ID}\n//# chunkId={ID}", "\n  // end"),
    ],
)
def test_the_comment_comes_out_of_the_lines_behind_the_code(end: str, left: str) -> None:
    """Other tools write below it, and a line ends as the others do."""
    assert without_injection(f"f();{end}", ID).script == f"f();{left}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "preamble",
    ["\n" * 10_000_000, f"/*{'x' * 50_000_000}*/", f"/*{'*' * 50_000_000}/", f"/*{'😀' * 5_000_000}*/"],
    ids=["lines", "comment", "stars", "beyond the basic plane"],
)
def test_a_long_preamble_is_passed_over(preamble: str) -> None:
    """Its characters are not visited one by one: that would take ten seconds."""
    started = time.perf_counter()
    assert with_injection(f"{preamble}f();", ID).script.startswith(f"{preamble}{snippet(ID)}")
    assert time.perf_counter() - started < 3


@pytest.mark.slow
@pytest.mark.parametrize("line", [f"\n//# chunkId={ID}", f"\n//# chunkId={ID}x", f"\n//# chunkId={ID}\n// {'x' * 50}"])
def test_many_comments_take_time_in_proportion(line: str) -> None:
    """Each is looked at once: squared, these ten megabytes would take minutes."""
    script = "f();" + line * (10_000_000 // len(line))
    started = time.perf_counter()
    without_injection(script, ID)
    assert time.perf_counter() - started < 10


@pytest.mark.parametrize("behind", ["g();", "`;", "*/f()"])
def test_a_comment_above_code_stays(behind: str) -> None:
    """Without its line, everything below would move away from its place in the map."""
    script = f"f();\n//# chunkId={ID}\n{behind}"
    assert without_injection(script, ID).script == script


def test_the_code_reports_id_and_release_as_posthogs_cli_reads_them() -> None:
    """It takes the first literal behind `_posthogReleaseId` for the release, and looks for the id as a literal."""
    code = snippet(ID, RELEASE_ID)
    behind = code.partition("_posthogReleaseId")[2].partition('"')[2]
    assert behind.startswith(f'{RELEASE_ID}"')
    assert f'"{ID}"' in code
    assert "_posthogReleaseId" not in snippet(ID)


@pytest.mark.attack("hostile source maps")
def test_a_script_of_quotes_is_read_once() -> None:
    """The end of each literal is sought in the first few thousand characters, not in the whole script."""
    script = '!function(){"' + '\\"' * 2000 + "a" * 4_000_000 + f"\n//# chunkId={ID}"
    began = time.process_time()
    without_injection(script, ID)
    assert time.process_time() - began < 2
