"""What of an event is shown, and how it is made to fit."""

import pytest

from errtrack_mcp.api.models import BYTES_A_TOKEN
from errtrack_mcp.tools.issues.models import Event, read_events_of
from errtrack_mcp.tools.issues.shown_events import fitted, shown_event, top_app_frame
from tests.support.issue_queries import exception, frame


def event(*exceptions: dict[str, object], lib: str = "web") -> Event:
    """Read an event with these exceptions."""
    properties = {"$exception_list": list(exceptions), "$lib": lib}
    (read,) = read_events_of([{"uuid": "e", "timestamp": "2026-09-18T09:41:03Z", "properties": properties}])
    return read


@pytest.mark.parametrize("max_tokens", range(300, 1_000, 11))
def test_an_event_is_cut_by_whole_frames_from_the_outer_end(max_tokens: int) -> None:
    """Every frame is shown or counted, and the one that threw is shown."""
    deep, short = exception(*(frame(number) for number in range(50))), exception(frame(90), frame(91))
    shown = fitted(shown_event(event(deep, short), "all"), max_tokens)
    assert len(shown.model_dump_json(exclude_unset=True)) <= max_tokens * BYTES_A_TOKEN
    counts = [len(item.frames) + item.outer_frames_left_out for item in shown.exceptions]
    assert counts == [50, 2]
    assert all(item.frames[-1].throw_site for item in shown.exceptions)
    assert shown.exceptions[0].frames[-1].function == "fn49"


def test_exceptions_go_after_frames_and_are_counted() -> None:
    """The first one stays, with its throw site."""
    shown = fitted(shown_event(event(*[exception(frame(), value="v" * 900)] * 10)), 500)
    assert (len(shown.exceptions), shown.exceptions_left_out) == (1, 9)
    assert shown.exceptions[0].frames


def test_what_fits_stays_as_it_is() -> None:
    """Nothing is said to be left out."""
    whole = shown_event(event(exception(frame())))
    assert fitted(whole, 500) == whole
    assert "left_out" not in whole.model_dump_json(exclude_unset=True)


def test_the_top_frame_is_the_last_of_the_app_in_the_last_exception_that_has_one() -> None:
    """Causes come after what they caused."""
    top = top_app_frame(event(exception(frame(1), frame(2)), exception(frame(3, in_app=False))))
    assert top is not None
    assert top.mangled_name == "fn2"
    assert top_app_frame(event(exception(frame(1, in_app=False)))) is None


def test_long_texts_of_a_frame_are_cut() -> None:
    """A stranger's function name does not push out the rest."""
    shown = shown_event(event(exception(frame(mangled_name="x" * 5_000, code_variables={"v": "y" * 5_000}))))
    assert len(shown.model_dump_json(exclude_unset=True)) < 1_500
