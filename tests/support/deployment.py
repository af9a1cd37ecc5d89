"""What the image and `deploy/` promise to a replica."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes.yaml"


def memory_limit() -> int:
    """Return the bytes that Kubernetes lets a replica use before it kills it."""
    found = re.search(r"limits: \{memory: (\d+)Mi\}", KUBERNETES.read_text())
    assert found
    return int(found[1]) * 1024 * 1024


def mmap_threshold() -> str:
    """Return from how many bytes on the image lets memory go back to the system at once."""
    found = re.search(r"MALLOC_MMAP_THRESHOLD_=(\d+)", (ROOT / "Dockerfile").read_text())
    assert found
    return found[1]
