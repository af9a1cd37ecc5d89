"""Exception events as queries read them."""

import json

from errtrack_mcp.sandbox.exception_events import Event

RELEASE = {"id": "r", "version": "2.14.0", "project": "shop"}


def event(*, release_map: bool, **properties: object) -> Event:
    """Make an event; properties are named without their dollar sign."""
    named = {f"${name}": value for name, value in properties.items()}
    return Event("u", "t", "somebody", "f", "i", "i", None, None, json.dumps(named), release_map=release_map)


def test_a_release_has_the_form_of_its_age() -> None:
    """One object today, a map by id before; an event without one has neither."""
    assert event(release_map=False, exception_release=RELEASE).properties == {"$exception_release": RELEASE}
    older = event(release_map=True, exception_release=RELEASE)
    assert older.properties == {"$exception_releases": {"r": {"version": "2.14.0", "project": "shop"}}}
    assert json.loads(older.properties_text) == older.properties
    assert event(release_map=True, lib="web").properties == {"$lib": "web"}


def test_a_person_is_always_the_same() -> None:
    """The id of the person depends on the distinct id alone."""
    assert event(release_map=True).person_id == event(release_map=False, lib="web").person_id
