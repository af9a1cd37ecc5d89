"""A program that reports an error with its cause to the host in its first argument, with PostHog's own SDK."""

import sys

from posthog import Posthog


def average_price(prices: list[float]) -> float:
    """Fail for a cart without prices."""
    return sum(prices) / len(prices)


def main(host: str, *, gzip: bool) -> None:
    """Catch the error, and send it before the program ends."""
    client = Posthog("phc_sandbox_4242", host=host, gzip=gzip)
    try:
        try:
            average_price([])
        except ZeroDivisionError as error:
            raise LookupError("No average price") from error
    except LookupError as error:
        client.capture_exception(error, distinct_id="visitor-1")
    client.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], gzip="--gzip" in sys.argv)
