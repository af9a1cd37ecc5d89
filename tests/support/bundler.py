"""Real bundles: built by esbuild from npm, with chunk ids injected as PostHog's CLI injects them."""

import json
import os
import re
import shutil
import string
import subprocess
from pathlib import Path
from typing import Protocol
from uuid import NAMESPACE_URL, uuid5

from tests.support.npm import CLIENTS, MODULES

BASE64 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
ESBUILD = MODULES / ".bin" / "esbuild"
SOURCES = {
    "main.ts": 'import { total } from "./cart";\nexport const shown = (prices: number[]) => `${total(prices)} EUR`;\n'
    'window.addEventListener("click", () => { throw new Error(shown([1, 2])); });\n',
    "cart.ts": "export function total(prices: number[]): number {\n"
    "  return prices.reduce((sum, price) => sum + price, 0);\n}\n",
    "admin.ts": 'import { total } from "./cart";\nexport const report = () => console.log(total([3, 4]));\nreport();\n',
}


class Bundle(Protocol):
    """Bundles the small app."""

    def __call__(self, project: Path, *options: str) -> Path:
        """Return the directory of the bundle, `project`/dist."""


def run_esbuild(project: Path, *options: str) -> Path:
    """Bundle two entry points of a small app into `project`/dist, minified, and return that directory."""
    source = project / "src"
    source.mkdir(parents=True)
    for name, text in SOURCES.items():
        (source / name).write_text(text)
    entries = [str(source / "main.ts"), str(source / "admin.ts")]
    out = project / "dist"
    command = [str(ESBUILD), *entries, "--bundle", "--minify", f"--outdir={out}", *options]
    subprocess.run(command, check=True, capture_output=True, timeout=60, env={**os.environ, "NO_COLOR": "1"})
    return out


def bundle_failing_app(project: Path) -> Path:
    """Bundle an app whose CommonJS module fails while it is loaded into `project`/dist, and return the script.

    The code that loads it is esbuild's own and comes from no source file.
    """
    source = project / "src"
    source.mkdir(parents=True)
    (source / "cart.js").write_text("module.exports = { total: undefined.prices };\n")
    (source / "main.js").write_text('import cart from "./cart.js";\nconsole.log(cart.total);\n')
    script = project / "dist" / "app.js"
    given = ("--bundle", "--minify", "--sourcemap", "--platform=node", f"--outfile={script}")
    command = [str(ESBUILD), str(source / "main.js"), *given]
    subprocess.run(command, check=True, capture_output=True, timeout=60, env={**os.environ, "NO_COLOR": "1"})
    return script


def bundle_reporting_app(project: Path) -> Path:
    """Bundle the app of tests/clients/reporting_app for Node into `project`/dist, and return the script.

    Its code is one line; PostHog's SDK stays outside, where Node finds it.
    """
    return _bundle_reporting(project, "main.ts", "--platform=node", "--packages=external")


def bundle_reporting_page(project: Path) -> Path:
    """Bundle the page of tests/clients/reporting_app with PostHog's SDK into `project`/dist, and return its script."""
    script = _bundle_reporting(project, "page.ts")
    (script.parent / "index.html").write_text(
        '<!doctype html><button id="pay">Pay</button><script src="app.js"></script>'
    )
    return script


def _bundle_reporting(project: Path, entry: str, *options: str) -> Path:
    shutil.copytree(CLIENTS / "reporting_app", project / "src")
    (project / "node_modules").symlink_to(MODULES)
    script = project / "dist" / "app.js"
    given = ("--bundle", "--minify", "--sourcemap", f"--outfile={script}", *options)
    command = [str(ESBUILD), str(project / "src" / entry), *given]
    subprocess.run(command, check=True, capture_output=True, timeout=60, env={**os.environ, "NO_COLOR": "1"})
    return script


def inject(script: Path) -> str:
    """Give a script its chunk id as PostHog's CLI does: code before byte 0, a comment at the end, the map moved."""
    code = script.read_text()
    chunk_id = str(uuid5(NAMESPACE_URL, f"{script.name}{code}"))
    registering = (
        f"(()=>{{try{{const w=globalThis,s=new Error().stack;s&&((w._posthogChunkIds??={{}})[s]={json.dumps(chunk_id)})"
        "}catch{}})();"
    )
    script.write_text(f"{registering}{code}\n//# chunkId={chunk_id}")
    source_map = script.with_name(f"{script.name}.map")
    if source_map.exists():
        content = json.loads(source_map.read_text())
        content["mappings"] = _moved(content["mappings"], len(registering))
        source_map.write_text(json.dumps({"chunk_id": chunk_id, **content}))
    return chunk_id


def _moved(mappings: str, columns: int) -> str:
    """Move what a map says of the first line to the right; columns are told from one to the next, so it is one."""
    first = re.match(r"[A-Za-z0-9+/]+", mappings)
    if first is None:
        return mappings
    value, digits = 0, 0
    for digit in map(BASE64.index, first[0]):
        value |= (digit & 31) << 5 * digits
        digits += 1
        if digit < 32:
            break
    value += columns * 2  # the lowest bit is the sign, and the first column is not negative
    written = ""
    while True:
        value, digit = value >> 5, value & 31
        written += BASE64[digit | (32 if value else 0)]
        if not value:
            return written + mappings[digits:]
