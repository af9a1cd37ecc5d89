"""Issues of the shop's other apps: servers, whose stack traces need no maps, and mobile and native ones, which do."""

from datetime import timedelta

from errtrack_mcp.sandbox.frames import Original, interpreted_frame
from errtrack_mcp.sandbox.seed import OWNER, chunk_id
from errtrack_mcp.sandbox.seeded_frames import address_frame, hermes_frame, java_frame, server_frame
from errtrack_mcp.sandbox.seeded_issue import ANDROID, GO, IOS, NODE, PYTHON, REACT_NATIVE, SeededIssue, Stack, Thrown

DAYS, HOURS = timedelta(days=1), timedelta(hours=1)
API_1_9_3, API_1_9_2, API_1_9_1 = 1, 5, 8
MOBILE_5_3_0, MOBILE_5_2_4 = 3, 9
DEBUG_ID = "3F9A0C51-7B2E-3D84-91C6-0A5E7D14B8F2"

_CHARGE = (
    interpreted_frame(
        "python",
        Original("dispatch", "site-packages/flask/app.py", 917, 0, "rv = self.dispatch_request()"),
        "flask.app",
        in_app=False,
    ),
    interpreted_frame(
        "python",
        Original("checkout", "shop/views.py", 52, 0, "payment = charge(order, card)"),
        "shop.views",
        code_variables={"order": "<Order 81723>", "card": "$$_posthog_redacted_based_on_masking_rules_$$"},
    ),
    interpreted_frame(
        "python",
        Original("charge", "shop/pay.py", 88, 0, "raise CardDeclined(answer.reason)"),
        "shop.pay",
        code_variables={"answer": {"reason": "insufficient_funds", "amount": 4999}, "attempt": 2},
    ),
)
_CONNECT = (
    interpreted_frame(
        "python",
        Original("send", "shop/gateway.py", 31, 0, "return self.session.post(url, json=body)"),
        "shop.gateway",
    ),
)
PYTHON_ISSUE = SeededIssue(
    "python",
    (
        Stack(
            (
                Thrown("CardDeclined", "insufficient_funds", _CHARGE, handled=True),
                Thrown("GatewayError", "402 from the payment gateway", _CONNECT, handled=True),
            )
        ),
    ),
    26,
    6 * DAYS,
    1.5 * HOURS,
    sdk=PYTHON,
    url=None,
    severity="medium",
    user=OWNER,
    fingerprint="checkout-card-declined",  # the client's own
)


IN_THREE_RELEASES = SeededIssue(
    "in-three-releases",
    tuple(
        Stack(
            (
                Thrown(
                    "Error",
                    "Lock wait timeout exceeded",
                    (server_frame(version, "R", 70012 + release, Original("reserveStock", "src/stock.ts", 101, 11)),),
                ),
            ),
            release,
        )
        for version, release in (("1.9.1", API_1_9_1), ("1.9.2", API_1_9_2), ("1.9.3", API_1_9_3))
    ),
    40,
    14 * DAYS,
    3 * HOURS,
    sdk=NODE,
    url=None,
    severity="critical",
)
THROW_SITE_FIRST = SeededIssue(  # an older SDK for Go sends the throw site first, and it is stored as sent
    "throw-site-first",
    (
        Stack(
            (
                Thrown(
                    "*errors.errorString",
                    "rate table is empty",
                    tuple(
                        interpreted_frame("go", original, module)
                        for original, module in (
                            (Original("quote", "shipping/rates.go", 63, 0, "panic(errEmpty)"), "shipping"),
                            (Original("handleQuote", "shipping/http.go", 29, 0, "q := quote(cart)"), "shipping"),
                            (Original("main", "cmd/shipping/main.go", 14, 0, "serve()"), "main"),
                        )
                    ),
                ),
            )
        ),
    ),
    5,
    4 * DAYS,
    8 * HOURS,
    sdk=GO,
    url=None,
)


HERMES_CHUNK, HERMES_OTHER = chunk_id("missing/hermes"), chunk_id("unbound/help")
HERMES_BAD_FILE, HERMES_BAD_MAP = "hermes-0b6f7a52-index.android.bundle", "hermes-77c1e9d0-index.ios.bundle"
HERMES_ISSUE = SeededIssue(
    "hermes",
    (
        Stack(
            (
                Thrown(
                    "TypeError",
                    "undefined is not a function",
                    (
                        hermes_frame(
                            "anonymous", 150221, f"No sourcemap uploaded for chunk id: {HERMES_CHUNK}", HERMES_CHUNK
                        ),
                        hermes_frame("onPress", 48211, f"No token for column 48211 on {HERMES_OTHER}", HERMES_OTHER),
                        hermes_frame("_callback", 9931, "No chunk id sent with frame"),
                        hermes_frame("apply", 77120, "Data error: Invalid magic", HERMES_BAD_FILE),
                        hermes_frame("flush", 2209, "Invalid map: unexpected end of file", HERMES_BAD_MAP),
                    ),
                ),
            ),
            MOBILE_5_3_0,
        ),
    ),
    17,
    3.5 * DAYS,
    2 * HOURS,
    sdk=REACT_NATIVE,
    url=None,
    severity="high",
    properties={"$app_namespace": "example.northwind.shop", "$app_version": "5.3.0", "$app_build": "119"},
)


PROGUARD_MISSING = "c2b7e0a4-19d3-4f6b-8a7c-5e1d90f3b6a8"
PROGUARD_DATA, PROGUARD_MAPPING = "proguard-5d3f4c1b-5.2.4", "proguard-b82e6a90-5.3.0"
ANDROID_ISSUE = SeededIssue(
    "proguard",
    (
        Stack(
            (
                Thrown(
                    "java.lang.IllegalStateException",
                    "Fragment not attached to a context",
                    (
                        java_frame("a", 12, f"No proguard map uploaded for id: {PROGUARD_MISSING}", PROGUARD_MISSING),
                        java_frame("b", 4, "Data error: Invalid magic", PROGUARD_DATA),
                        java_frame("c", 31, "Invalid mapping", PROGUARD_MAPPING),
                        java_frame("d", 9, "Invalid class format", PROGUARD_MAPPING, "[L;"),
                        java_frame("e", 2, "No class matched", PROGUARD_MAPPING, "x.y.z"),
                        java_frame(
                            "f", 7, "No original frames could be derived from raw frame", PROGUARD_MAPPING, "x.y"
                        ),
                        java_frame("g", 18, "No map ID sent with frame"),
                        java_frame("h", 22, "No module provided", PROGUARD_MAPPING, None),
                    ),
                ),
            ),
            MOBILE_5_2_4,
        ),
    ),
    9,
    6 * DAYS,
    13 * HOURS,
    sdk=ANDROID,
    url=None,
    properties={"$app_namespace": "example.northwind.shop", "$app_version": "5.2.4", "$app_build": "118"},
)


IOS_ISSUE = SeededIssue(
    "ios",
    (
        Stack(
            (
                Thrown(
                    "EXC_BAD_ACCESS",
                    "Attempted to dereference null pointer",
                    (
                        address_frame(
                            "swift", "<redacted>", "0x100a3f210", f"No dSYM uploaded for debug_id: {DEBUG_ID}"
                        ),
                        address_frame("swift", "main", "0x100a40114", "Failed to parse dSYM: no debug information"),
                        address_frame("swift", "start", "0x100b00008", "Symbol not found at address: 0x100b00008"),
                        address_frame("swift", "dyld", "0x18a2f1000", "No debug_id found for frame"),
                        address_frame("swift", "UIKit", "0x18b3e2200", "No matching debug image found for frame"),
                    ),
                ),
            )
        ),
    ),
    6,
    5 * DAYS,
    16 * HOURS,
    sdk=IOS,
    url=None,
    properties={
        "$app_namespace": "example.northwind.shop",
        "$app_version": "5.3.0",
        "$app_build": "119",
        "$debug_images": [
            {"debug_id": DEBUG_ID, "image_addr": "0x100000000", "image_size": 1179648, "code_file": "Northwind"}
        ],
    },
)
NATIVE_ID = "b7e2c9a0d4f1486e95ac3b708d21f6e4"
NATIVE_ISSUE = SeededIssue(
    "native",
    (
        Stack(
            (
                Thrown(
                    "SIGSEGV",
                    "Segfault in the scanner",
                    (
                        address_frame(
                            "c",
                            "_ZN7scanner4readEv",
                            "0x7f1200",
                            f"No debug symbols uploaded for debug_id: {NATIVE_ID}",
                        ),
                        address_frame("c", "_start", "0x401050", "Failed to parse debug symbols: bad magic number"),
                    ),
                ),
            )
        ),
    ),
    3,
    2 * DAYS,
    20 * HOURS,
    sdk={"$lib": "posthog-rs", "$lib_version": "0.3.7"},
    url=None,
    properties={"$debug_images": [{"debug_id": NATIVE_ID, "image_addr": "0x7f0000", "type": "elf", "arch": "x86_64"}]},
)
APP_ISSUES = (
    PYTHON_ISSUE,
    IN_THREE_RELEASES,
    THROW_SITE_FIRST,
    HERMES_ISSUE,
    ANDROID_ISSUE,
    IOS_ISSUE,
    NATIVE_ISSUE,
)
