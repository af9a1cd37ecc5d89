"""From a status and a body to the exception that they mean."""

import pytest

from errtrack_mcp.api import errors
from errtrack_mcp.api.errors import ApiError, refusal


def every_subclass(of: type[ApiError]) -> set[type[ApiError]]:
    """Return all exceptions below one."""
    return {below for child in of.__subclasses__() for below in {child, *every_subclass(child)}}


def body(code: str, detail: str, attr: str | None = None) -> dict[str, str | None]:
    """Return the API's envelope."""
    return {"type": "x", "code": code, "detail": detail, "attr": attr}


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (400, body("invalid_choice", '"x" is not a valid choice.', "status"), errors.BadRequest),
        (400, body("release_hash_in_use", "Hash id h already in use"), errors.HashTaken),
        (400, body("invalid_input", "Hash id h already in use"), errors.HashTaken),
        (400, {"detail": "ids is required"}, errors.BadRequest),
        (401, body("authentication_failed", "no"), errors.Unauthenticated),
        (403, body("permission_denied", "You don't have access to the project."), errors.Forbidden),
        (403, body("permission_denied", "This action does not support Personal API Key access"), errors.KeysNotAllowed),
        (404, body("not_found", "Not found."), errors.NotFound),
        (404, None, errors.NotFound),
        (415, ["odd"], errors.BadRequest),
        (500, body("error", "A server error occurred."), errors.ServerError),
        (503, None, errors.ServerError),
    ],
)
def test_a_refusal_is_reported_by_status_and_code(status: int, answer: object, expected: type[ApiError]) -> None:
    """Each kind of answer becomes one kind of exception, envelope or not."""
    assert type(refusal(status, answer)) is expected


def test_a_missing_scope_is_named() -> None:
    """The scope is read out of the API's sentence."""
    error = refusal(403, body("permission_denied", "API key missing required scope 'error_tracking:write'"))
    assert isinstance(error, errors.MissingScope)
    assert error.scope == "error_tracking:write"


def test_the_form_of_the_routes_for_logging_in_is_read() -> None:
    """They name code and words as OAuth does."""
    error = refusal(400, {"status": "expired", "error": "expired_token", "error_description": "Device code expired"})
    assert (error.api_code, error.detail) == ("expired_token", "Device code expired")


@pytest.mark.parametrize(
    ("header", "detail", "seconds"),
    [
        ("42", "", 42),
        (None, "Expected available in 1 second.", 1),
        (None, "Expected available in 42 seconds.", 42),
        (None, "Request was throttled.", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "", None),
    ],
)
def test_the_wait_is_read_from_header_or_words(header: str | None, detail: str, seconds: float | None) -> None:
    """Without either the wait is unknown."""
    error = refusal(429, body("throttled", detail), header)
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after == seconds


def test_the_tree_is_drawn_whole() -> None:
    """The drawing at the top of the file names every exception, and every leaf has a code of its own."""
    drawn = errors.__doc__ or ""
    leaves = [error for error in every_subclass(ApiError) if hasattr(error, "code")]
    assert all(error.__name__ in drawn for error in every_subclass(ApiError))
    assert len({error.code for error in leaves}) == len(leaves)
