"""Upload the file of a symbol set to the sandbox, as PostHog's CLI does."""

import hashlib

import httpx

from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID
from tests.support.serving import NO_AUTHORITIES, post


def upload(origin: str, ref: str, content: bytes, release_id: str | None = None) -> None:
    """Start the upload, send the file to the storage without a key, and finish it; a file that is there is replaced."""
    digest = hashlib.sha512(content).hexdigest()
    base_url = f"{origin}/api/projects/{PROJECT_ID}/error_tracking/symbol_sets/"
    with httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {FULL_KEY}"}, verify=NO_AUTHORITIES) as api:
        wanted = {"chunk_id": ref, "release_id": release_id, "content_hash": digest}
        started = api.post("bulk_start_upload/", json={"symbol_sets": [wanted], "force": True}).raise_for_status()
        ticket = started.json()["id_map"][ref]
        address = ticket["presigned_url"]
        post(address["url"], data=address["fields"], files={"file": ("file", content)}).raise_for_status()
        finished = {"content_hashes": {ticket["symbol_set_id"]: digest}}
        api.post("bulk_finish_upload/", json=finished).raise_for_status()
