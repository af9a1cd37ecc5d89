"""Every kind of failure that can stand on a symbol set, as the API stores it: JSON in a string."""

import json
from typing import Any

SHOP = "https://shop.northwind.example/static"
CDN = "https://cdn.northwind.example"


def _stored(runtime: str, failure: Any) -> str:
    return json.dumps({runtime: failure}, separators=(",", ":"))


def _script(name: str, reason: str, *details: Any, base: str = SHOP) -> tuple[str, str]:
    """Pair a script's URL with the JavaScript failure that names it."""
    url = f"{base}/{name}"
    return url, _stored("JavaScript", {reason: [*details, url] if details else url})


def missing_chunk(chunk_id: str) -> str:
    """Write the failure of a chunk whose file was not found."""
    return _stored("MissingChunkIdData", chunk_id)


BROKEN_CHUNK = "6f0c1d1e-93a7-4b52-8a55-0c7d2be1f4a9"
PROSE = "source map upload was interrupted"

FAILURES: tuple[tuple[str, str], ...] = (
    _script("js/app.8f3c1d.js", "NoSourcemap"),
    (f"{SHOP}/js/inline-banner.js", _stored("JavaScript", "NoSourceUrl")),
    _script("js/recommendations.51b7aa.js", "Timeout", base=CDN),
    _script("js/checkout.2b94e0.js.map", "HttpStatus", 404),
    (  # the ref is the script's address, the reason that of its map
        f"{SHOP}/js/account.c07d55.js",
        _stored("JavaScript", {"HttpStatus": [403, f"{SHOP}/js/account.c07d55.js.map"]}),
    ),
    _script("js/reviews.90be12.js.map", "HttpStatus", 503, base=CDN),
    _script("widget.js", "NetworkError", base="https://widgets.partner.example"),
    _script("tag-manager.js", "RedirectError", base=CDN),
    _script("js/vendor.e41f07.js.map", "InvalidSourceMap"),
    _script("bundle.js", "InvalidSourceUrl", base="app:///assets"),
    _script("js/search.7d20c8.js", "InvalidSourceMapHeader"),
    _script("js/cart.13aa9f.js", "InvalidSourceMapUrl"),
    (
        f"{SHOP}/js/embedded.js",
        _stored("JavaScript", {"InvalidDataUrl": [f"{SHOP}/js/embedded.js", "data:application/json,%7B"]}),
    ),
    (f"{SHOP}/js/legacy.4c0e6b.js", _stored("JavaScript", {"JSDataError": "InvalidMagic"})),
    (f"{SHOP}/js/polyfills.ab1290.js", _stored("JavaScript", "InvalidSourceAndMap")),
    (BROKEN_CHUNK, missing_chunk(BROKEN_CHUNK)),
    ("hermes-0b6f7a52-index.android.bundle", _stored("Hermes", {"DataError": "InvalidMagic"})),
    ("hermes-77c1e9d0-index.ios.bundle", _stored("Hermes", {"InvalidMap": "unexpected end of file"})),
    ("proguard-5d3f4c1b-5.2.4", _stored("Proguard", {"DataError": "InvalidMagic"})),
    ("proguard-b82e6a90-5.3.0", _stored("Proguard", "InvalidMapping")),
    ("8D2C7F1A-34B6-3E0F-9C55-D1A0E7B4F263", _stored("Apple", {"DataError": "InvalidMagic"})),
    ("E5B90C44-7A1D-3F82-A6C0-5F9D3E218B70", _stored("Apple", {"ParseError": "no debug information"})),
    ("a41f9b0c2d7e5836c1d40f6b9e827350", _stored("Native", {"ParseError": "bad magic number"})),
    (f"{SHOP}/js/print.f09c3e.js", PROSE),
)
