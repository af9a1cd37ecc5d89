"""Issues of the shop's web app whose scripts have chunk ids: minified, readable, fixed, and still broken."""

from datetime import timedelta

from errtrack_mcp.sandbox.frames import SHOP, Original, script_frame
from errtrack_mcp.sandbox.seed import OWNER, chunk_id
from errtrack_mcp.sandbox.seeded_frames import built_frame, not_uploaded_frame
from errtrack_mcp.sandbox.seeded_issue import SeededIssue, Stack, Thrown

ROLE_ID = "0198d2b4-11c7-7000-a5e1-6f0c8b93d7aa"
DAYS, HOURS, MINUTES = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
STOREFRONT = "storefront-web/2.13.2"
NEWEST, STOREFRONT_2_13_2, STOREFRONT_2_13_1, STOREFRONT_2_13_0 = 0, 2, 4, 6


REACT = built_frame(
    f"{STOREFRONT}/vendor", "Kl", 41877, Original("callCallback", "node_modules/react-dom/index.js", 188, 9)
)
CLICK = built_frame(f"{STOREFRONT}/main", "yt", 20931, Original("onPayClicked", "src/checkout/PayButton.tsx", 34, 11))
CART_TOTAL = Original(
    "cartTotal", "src/cart/total.ts", 41, 18, "return items.reduce((sum, item) => sum + item.total, 0);"
)
# Thrown by the small build in checkout_app/, which is in the file of every complete symbol set.
THROWN_BY_BUILD = (
    ("c", 302, Original("onClick", "source/checkout.ts", 13, 29, "  return new Checkout(order).submit();")),
    (
        "n.submit",
        239,
        Original("Checkout.submit", "source/checkout.ts", 7, 19, "    const amount = orderAmount(this.order);"),
    ),
    (
        "i",
        159,
        Original("orderAmount", "source/order/amount.ts", 16, 16, "  return sum - discountFor(order.customer, sum);"),
    ),
    (
        "u",
        48,
        Original("discountFor", "source/order/discount.ts", 8, 41, "  const { percent } = customer.account!.discount;"),
    ),
)

CART = SeededIssue(
    "cart-total",
    (
        Stack(
            (
                Thrown(
                    "TypeError",
                    "Cannot read properties of undefined (reading 'total')",
                    (REACT, CLICK, not_uploaded_frame("missing/cart", "qe", 88213, CART_TOTAL)),
                ),
            ),
            STOREFRONT_2_13_2,
        ),
    ),
    60,
    1.9 * DAYS,
    12 * MINUTES,
    severity="high",
    user=OWNER,
    users=24,
    test_events=4,
)
_PENDING = (
    not_uploaded_frame("pending/main", "n", 1204, Original("start", "src/main.ts", 12, 1)),
    not_uploaded_frame("pending/vendor", "r", 7713, Original("flush", "node_modules/scheduler/index.js", 61, 3)),
    not_uploaded_frame("pending/cart", "t", 309, Original("applyVoucher", "src/cart/voucher.ts", 9, 27)),
)
UNFINISHED = SeededIssue(
    "upload-not-finished",
    (Stack((Thrown("ReferenceError", "voucher is not defined", _PENDING),), NEWEST),),
    9,
    8 * MINUTES,
    2 * MINUTES,
    severity="critical",
    url="https://shop.northwind.example/cart",
)
FIXED = SeededIssue(
    "fixed-by-upload",
    (
        Stack(
            (
                Thrown(
                    "TypeError",
                    "undefined is not an object (evaluating 't.account.discount')",
                    tuple(not_uploaded_frame("unbound/search", *place) for place in THROWN_BY_BUILD),
                ),
            )
        ),
    ),
    7,
    4 * DAYS,
    3.1 * DAYS,
    url="https://shop.northwind.example/search?q=boots",
)
FIXED_SINCE = SeededIssue(  # the same frame, after the upload: grouped by its original, so another issue
    "readable-after-upload",
    (
        Stack(
            (
                Thrown(
                    "TypeError",
                    "undefined is not an object (evaluating 't.account.discount')",
                    tuple(built_frame("unbound/search", *place) for place in THROWN_BY_BUILD),
                ),
            )
        ),
    ),
    5,
    2.8 * DAYS,
    5 * HOURS,
    url="https://shop.northwind.example/search?q=hats",
)
STILL_BROKEN = SeededIssue(
    "still-broken",
    (
        Stack(
            (
                Thrown(
                    "TypeError",
                    "e.format is not a function",
                    (
                        built_frame("unbound/account", "a", 611, Original("render", "src/account/Orders.tsx", 20, 4)),
                        script_frame(
                            "fd",
                            1,
                            90412,
                            f"{SHOP}/unbound-main.js",
                            chunk=chunk_id("unbound/main"),
                            failure="Token not found for frame: fd:1:90412",
                        ),
                    ),
                ),
            ),
        ),
    ),
    16,
    2.5 * DAYS,
    20 * MINUTES,
    severity="medium",
    url="https://shop.northwind.example/account",
)
NOT_SEEN_SINCE = SeededIssue(
    "no-occurrence-since-upload",
    (
        Stack(
            (
                Thrown(
                    "Error",
                    "Report has no rows",
                    (
                        not_uploaded_frame(
                            "never/admin", "Xi", 15402, Original("exportReport", "src/admin/report.ts", 118, 7)
                        ),
                    ),
                ),
            ),
            STOREFRONT_2_13_1,
        ),
    ),
    6,
    5.2 * DAYS,
    4.4 * DAYS,
    url="https://shop.northwind.example/admin/reports",
)
WRONG_PROJECT = SeededIssue(
    "uploaded-to-another-project",
    (
        Stack(
            (
                Thrown(
                    "Error",
                    "No such ledger",
                    (
                        script_frame(
                            "ob",
                            1,
                            3307,
                            f"{SHOP}/ledger.js",
                            chunk=chunk_id("back-office/main"),
                            failure=f"No symbol set for chunk id: {chunk_id('back-office/main')}",
                        ),
                    ),
                ),
            ),
        ),
    ),
    4,
    3 * DAYS,
    7 * HOURS,
)
_TURN = (
    built_frame(f"{STOREFRONT}/main", "vi", 33190, Original("expandNode", "src/menu/tree.ts", 52, 14)),
    built_frame(f"{STOREFRONT}/main", "ga", 33011, Original("visitChildren", "src/menu/tree.ts", 47, 9)),
)
DEEP = SeededIssue(
    "sixty-four-frames",
    (Stack((Thrown("RangeError", "Maximum call stack size exceeded", (REACT, CLICK) + _TURN * 31),)),),
    3,
    1.2 * DAYS,
    5 * HOURS,
)
MERGED = SeededIssue(
    "merged",
    (
        Stack(
            (
                Thrown(
                    "Error",
                    "Payment was declined",
                    (
                        CLICK,
                        built_frame(
                            f"{STOREFRONT}/checkout",
                            "Pe",
                            9021,
                            Original("submitPayment", "src/checkout/pay.ts", 63, 13),
                        ),
                    ),
                ),
            ),
            STOREFRONT_2_13_2,
        ),
    ),
    22,
    6 * DAYS,
    50 * MINUTES,
    severity="high",
    role=ROLE_ID,
    merged=("merged-away",),
)
QUIET = SeededIssue(
    "no-event-in-7-days",
    (Stack((Thrown("TypeError", "map is not iterable", (REACT, CLICK)),), STOREFRONT_2_13_0),),
    6,
    19 * DAYS,
    12 * DAYS,
    severity="low",
    role=ROLE_ID,
)
GONE_IN_NEWEST = SeededIssue(
    "gone-in-newest-release",
    tuple(
        Stack(
            (
                Thrown(
                    "Error",
                    "Coupon has expired",
                    (
                        built_frame(
                            f"storefront-web/{version}/checkout",
                            "Hc",
                            12044 + release,
                            Original("redeem", "src/checkout/coupon.ts", 30 + release, 9),
                        ),
                    ),
                ),
            ),
            release,
        )
        for version, release in (("2.13.0", STOREFRONT_2_13_0), ("2.13.1", STOREFRONT_2_13_1))
    ),
    18,
    11 * DAYS,
    2.3 * DAYS,
    user=OWNER,
)
OTHER_STATES = tuple(
    SeededIssue(
        status.replace("_", "-"),
        (Stack((Thrown("Error", value, (REACT, CLICK)),), STOREFRONT_2_13_2),),
        3,
        5 * DAYS,
        age,
        status=status,
    )
    for status, value, age in (
        ("resolved", "Basket is locked", 2.6 * DAYS),
        ("suppressed", "Blocked a frame with origin", 1.4 * DAYS),
        ("archived", "Stock level is negative", 3.2 * DAYS),
        ("pending_release", "Voucher was used twice", 3.4 * DAYS),
    )
)
WEB_ISSUES = (
    CART,
    UNFINISHED,
    FIXED,
    FIXED_SINCE,
    STILL_BROKEN,
    NOT_SEEN_SINCE,
    WRONG_PROJECT,
    DEEP,
    MERGED,
    QUIET,
    GONE_IN_NEWEST,
    *OTHER_STATES,
)
