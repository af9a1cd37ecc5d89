"""The least that uploads many files: started in batches of 50, sent 10 at once, finished; with httpx and nothing else.

Arguments: the API, a key, the project, a folder. Each file in it is the file of a symbol set, named after its chunk id.
Prints JSON: how many were sent, and the ms that it took without the start of Python and its imports.
"""

import asyncio
import hashlib
import json
import sys
import time
from pathlib import Path

import httpx

BATCH = 50
AT_ONCE = 10


async def main(api: str, key: str, project: str, folder: str) -> None:
    """Send every file."""
    began = time.perf_counter()
    address = f"{api}/api/projects/{project}/error_tracking/symbol_sets/"
    paths = sorted(Path(folder).iterdir())  # noqa: ASYNC240 - nothing else runs yet
    async with (
        httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as client,
        httpx.AsyncClient(timeout=60) as storage,
    ):
        for start in range(0, len(paths), BATCH):
            files = {path.name: path.read_bytes() for path in paths[start : start + BATCH]}
            hashes = {name: hashlib.sha512(file).hexdigest() for name, file in files.items()}
            rows = [
                {"chunk_id": name, "release_id": None, "content_hash": hashes[name], "content_length": len(file)}
                for name, file in files.items()
            ]
            started = await client.post(f"{address}bulk_start_upload/", json={"symbol_sets": rows, "force": True})
            tickets = started.raise_for_status().json()["id_map"]
            waiting = iter(tickets.items())

            async def send(waiting=waiting, files=files) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
                for name, ticket in waiting:
                    (await storage.put(ticket["presigned_put_url"], content=files[name])).raise_for_status()

            await asyncio.gather(*(send() for _ in range(AT_ONCE)))
            finished = {ticket["symbol_set_id"]: hashes[name] for name, ticket in tickets.items()}
            done = await client.post(f"{address}bulk_finish_upload/", json={"content_hashes": finished})
            done.raise_for_status()
    print(json.dumps({"sent": len(paths), "ms": (time.perf_counter() - began) * 1000}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
