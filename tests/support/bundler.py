"""Real bundles: built by esbuild from npm, with chunk ids injected as PostHog's CLI injects them."""

import json
import os
import subprocess
from pathlib import Path
from typing import Protocol
from uuid import NAMESPACE_URL, uuid5

from tests.support.npm import MODULES

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


def inject(script: Path) -> str:
    """Give a script its chunk id as PostHog's CLI does: code before byte 0, a comment at the end."""
    code = script.read_text()
    chunk_id = str(uuid5(NAMESPACE_URL, f"{script.name}{code}"))
    registering = (
        f"(()=>{{try{{const w=globalThis,s=new Error().stack;s&&((w._posthogChunkIds??={{}})[s]={json.dumps(chunk_id)})"
        "}catch{}})();"
    )
    script.write_text(f"{registering}{code}\n//# chunkId={chunk_id}")
    source_map = script.with_name(f"{script.name}.map")
    if source_map.exists():
        source_map.write_text(json.dumps({"chunk_id": chunk_id, **json.loads(source_map.read_text())}))
    return chunk_id
