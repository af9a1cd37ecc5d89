"""What is known of the query routes of each host."""

from errtrack_mcp.api.query_routes import HOSTS_REMEMBERED, REMEMBERED_SECONDS, QueryRoutes
from tests.support.clock import Clock

HOST = "https://posthog.example"


def test_a_host_is_asked_until_it_is_known_to_lack_the_routes() -> None:
    """And others are still asked."""
    routes = QueryRoutes()
    assert not routes.are_missing(HOST)
    routes.note_missing(HOST)
    assert routes.are_missing(HOST)
    assert not routes.are_missing("https://other.example")


def test_an_installation_that_is_renewed_is_found_out() -> None:
    """After an hour the host is asked again."""
    clock = Clock()
    routes = QueryRoutes(clock)
    routes.note_missing(HOST)
    clock.now += REMEMBERED_SECONDS - 1
    assert routes.are_missing(HOST)
    clock.now += 1
    assert not routes.are_missing(HOST)


def test_hosts_that_callers_name_fill_no_memory() -> None:
    """The host noted longest ago makes room."""
    routes = QueryRoutes()
    for number in range(HOSTS_REMEMBERED + 1):
        routes.note_missing(f"https://{number}.example")
    assert not routes.are_missing("https://0.example")
    assert routes.are_missing("https://1.example")
