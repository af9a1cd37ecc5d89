"""Rows of the API and whole answers with them, for an upstream that is not the sandbox."""

import json
from typing import Any

from tests.support.misbehaving import http

ID = "019a9da0-9220-0000-912a-de2d7c339fae"
KEY = "phx_canary_key"
"""A key that no answer and no log may hold."""

RELEASE = {
    "id": ID,
    "hash_id": "h",
    "team_id": 1,
    "created_at": "2026-11-01T00:00:00Z",
    "metadata": None,
    "version": "1",
    "project": "app",
}
SYMBOL_SET = {"id": ID, "ref": "r", "has_uploaded_file": True, "release": None}
PAGE = {"count": 1, "next": None, "previous": None, "results": [RELEASE]}


def json_of(value: Any, status: int = 200, **headers: str) -> bytes:
    """Return an answer with this JSON."""
    return http(status, json.dumps(value), **headers)


def envelope(status: int, code: str, detail: str, **headers: str) -> bytes:
    """Return an answer with the API's error envelope."""
    return json_of({"type": "x", "code": code, "detail": detail, "attr": None}, status, **headers)
