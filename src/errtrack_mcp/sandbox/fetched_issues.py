"""Issues of the shop's web app whose scripts got no chunk id: their maps were fetched in vain, or no map can help."""

from datetime import timedelta

from errtrack_mcp.sandbox.failures import CDN
from errtrack_mcp.sandbox.frames import SHOP, script_frame
from errtrack_mcp.sandbox.seeded_frames import fetched_frame
from errtrack_mcp.sandbox.seeded_issue import SeededIssue, Stack, Thrown

DAYS, HOURS, MINUTES = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


NOT_INJECTED = SeededIssue(
    "not-injected",
    (
        Stack(
            (
                Thrown(
                    "TypeError",
                    "Failed to fetch",
                    (
                        fetched_frame(
                            "app.8f3c1d.js",
                            "Zo",
                            40021,
                            f"Could not find sourcemap for source url: {SHOP}/app.8f3c1d.js",
                        ),
                    ),
                ),
            ),
        ),
    ),
    11,
    6 * DAYS,
    3 * HOURS,
)
_FETCHES = (
    fetched_frame(
        "checkout.2b94e0.js",
        "p",
        911,
        f"HTTP error 404 while fetching: {SHOP}/checkout.2b94e0.js.map",
        map_ref=True,
    ),
    fetched_frame(
        "account.c07d55.js",
        "k",
        1733,
        f"HTTP error 403 while fetching: {SHOP}/account.c07d55.js.map",
    ),
    fetched_frame(
        "js/reviews.90be12.js",
        "w",
        8802,
        f"HTTP error 503 while fetching: {CDN}/js/reviews.90be12.js.map",
        map_ref=True,
        base=CDN,
    ),
    fetched_frame(
        "js/recommendations.51b7aa.js",
        "x",
        402,
        f"Request timed out while fetching: {CDN}/js/recommendations.51b7aa.js",
        base=CDN,
    ),
    fetched_frame(
        "widget.js",
        "g",
        77120,
        "Network error while fetching: https://widgets.partner.example/widget.js",
        base="https://widgets.partner.example",
    ),
    fetched_frame("tag-manager.js", "i", 6001, f"Redirect error while fetching: {CDN}/tag-manager.js", base=CDN),
)
FETCH_FAILED = SeededIssue(
    "fetch-failed",
    (Stack((Thrown("Error", "Request failed with status code 502", _FETCHES),)),),
    14,
    5 * DAYS,
    1 * HOURS,
    severity="low",
)
_ADDRESSES = (
    fetched_frame("search.7d20c8.js", "m", 2290, f"Could not parse source-map header from url {SHOP}/search.7d20c8.js"),
    fetched_frame("cart.13aa9f.js", "c", 1877, f"Could not parse source-map url {SHOP}/cart.13aa9f.js"),
    fetched_frame("bundle.js", "b", 4410, "Invalid source url: app:///assets/bundle.js", base="app:///assets"),
    fetched_frame("embedded.js", "h", 903, f"Invalid data url found at {SHOP}/embedded.js"),
)
BAD_ADDRESSES = SeededIssue(
    "map-address-unreadable",
    (Stack((Thrown("SyntaxError", "Unexpected end of JSON input", _ADDRESSES),)),),
    5,
    4.5 * DAYS,
    9 * HOURS,
)
_FILES = (
    fetched_frame(
        "vendor.e41f07.js",
        "Lr",
        66004,
        "Invalid source map: expected value at line 1 column 1",
        map_ref=True,
    ),
    fetched_frame("legacy.4c0e6b.js", "o", 120, "JSDataError: Invalid magic"),
    fetched_frame("polyfills.ab1290.js", "u", 3380, "Invalid Source and Map"),
)
FILE_UNUSABLE = SeededIssue(
    "file-unusable",
    (Stack((Thrown("RangeError", "Invalid time value", _FILES),)),),
    6,
    6.5 * DAYS,
    11 * HOURS,
)
_INLINE = (
    script_frame("onclick", 212, 19, "inline", failure="This frame had no source url or chunk id", resolved=True),
    script_frame("?", 3, 40, "<anonymous>", failure="No source url found"),
    script_frame(
        "inject",
        1,
        5521,
        "chrome-extension://kgeglempfkhalebjlogemlmeafakjd/content.js",
        failure="This frame had no source url or chunk id",
        resolved=True,
        in_app=False,
    ),
)
NOTHING_TO_LOOK_UP = SeededIssue(
    "no-url-or-chunk-id",
    (Stack((Thrown("TypeError", "dataLayer.push is not a function", _INLINE),)),),
    8,
    6 * DAYS,
    30 * MINUTES,
)
_PAGE = script_frame("?", 0, 0, "https://shop.northwind.example/checkout", failure="No source url found", resolved=True)
RESIZE_OBSERVER = SeededIssue(
    "no-position",
    (Stack((Thrown("Error", "ResizeObserver loop completed with undelivered notifications.", (_PAGE,)),)),),
    31,
    6.8 * DAYS,
    4 * MINUTES,
    users=29,
)
SCRIPT_ERROR = SeededIssue("script-error", (Stack((Thrown("Error", "Script error."),)),), 12, 6 * DAYS, 2 * HOURS)
ABORTED = SeededIssue(
    "no-stack",
    (Stack((Thrown("AbortError", "AbortError: The play() request was interrupted", handled=True),)),),
    4,
    2 * DAYS,
    6 * HOURS,
)
FETCHED_ISSUES = (
    NOT_INJECTED,
    FETCH_FAILED,
    BAD_ADDRESSES,
    FILE_UNUSABLE,
    NOTHING_TO_LOOK_UP,
    RESIZE_OBSERVER,
    SCRIPT_ERROR,
    ABORTED,
)
