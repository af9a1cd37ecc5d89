"""A small app with a bug, deployed to a folder: the sandbox's own build, and its errors as a page reports them."""

import json
import shutil
from pathlib import Path
from urllib.request import Request, urlopen

from errtrack_mcp.sandbox.seed import PROJECT_ID
from errtrack_mcp.sandbox.storage import BUILD

SCRIPT = "checkout.js"
ADDRESS = f"https://shop.northwind.example/assets/{SCRIPT}"
MESSAGE = "Cannot read properties of undefined (reading 'discount')"
# Function and code of each frame of the error, the one that throws last.
FRAMES = (("c", "new n(r)"), ("submit", "i(this.order)"), ("i", "u(r.customer,t)"), ("u", "r.account.discount"))
CHUNK_ID = "//# chunkId="


class DeployedApp:
    """The build in a folder, and the page that runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in (SCRIPT, f"{SCRIPT}.map"):
            shutil.copyfile(BUILD / name, folder / name)

    def fail(self, origin: str) -> None:
        """Report the error that a customer without an account sees, as PostHog's SDK in the page does."""
        code, _, chunk_id = (self.folder / SCRIPT).read_text().partition(CHUNK_ID)
        frames = [
            {
                "platform": "web:javascript",
                "filename": ADDRESS,
                "function": function,
                "lineno": 1,
                "colno": code.index(called) + 1,
                "in_app": True,
                **({"chunk_id": chunk_id} if chunk_id else {}),
            }
            for function, called in FRAMES
        ]
        thrown = {"type": "TypeError", "value": MESSAGE, "stacktrace": {"type": "raw", "frames": frames}}
        event = {
            "event": "$exception",
            "distinct_id": "a customer",
            "properties": {"$exception_list": [thrown], "$lib": "web"},
        }
        body = json.dumps({"api_key": f"phc_sandbox_{PROJECT_ID}", "batch": [event]}).encode()
        request = Request(f"{origin}/batch/", body, {"Content-Type": "application/json"})  # noqa: S310 - ours
        with urlopen(request, timeout=30):  # noqa: S310
            pass
