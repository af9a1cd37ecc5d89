"""What `deploy/` promises to a replica."""

import re
from pathlib import Path

KUBERNETES = Path(__file__).parents[2] / "deploy" / "kubernetes.yaml"


def memory_limit() -> int:
    """Return the bytes that Kubernetes lets a replica use before it kills it."""
    found = re.search(r"limits: \{memory: (\d+)Mi\}", KUBERNETES.read_text())
    assert found
    return int(found[1]) * 1024 * 1024
