"""The least that resolves a stack trace: fetch a symbol set's file with httpx, and look its frames up with symbolic.

Arguments: the API, a key, the project, the ref. Reads columns of the first line from standard input. Prints JSON: what
was found, and the ms that it took without the start of Python and its imports.
"""

import json
import sys
import time

import httpx
from symbolic.sourcemapcache import SourceMapCache

HEADER = 31  # bytes of a container of version 2; the file is one that is not compressed


def main(api: str, key: str, project: str, ref: str) -> None:
    """Fetch, look up, print."""
    began = time.perf_counter()
    columns = json.load(sys.stdin)
    address = f"{api}/api/projects/{project}/error_tracking/symbol_sets/"
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}) as client:
        [found] = client.get(address, params={"ref": ref, "limit": 1}).raise_for_status().json()["results"]
        link = client.get(f"{address}{found['id']}/download/").raise_for_status().json()["url"]
    file = httpx.get(link).raise_for_status().content
    script, rest = _part(file[HEADER:])
    source_map, _ = _part(rest)
    cache = SourceMapCache.from_bytes(script, source_map)
    places = [place for column in columns if (place := cache.lookup(1, column, 2))]
    shown = [[place.function_name, place.src, place.line, place.context_line] for place in places]
    print(json.dumps({"found": shown, "ms": (time.perf_counter() - began) * 1000}))


def _part(data: bytes) -> tuple[bytes, bytes]:
    length = int.from_bytes(data[:8], "little")
    return data[8 : 8 + length], data[8 + length :]


if __name__ == "__main__":
    main(*sys.argv[1:])
