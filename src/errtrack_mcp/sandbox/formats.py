"""The format of an answer: JSON, however it is asked for."""

from starlette.requests import Request

from errtrack_mcp.sandbox.envelope import ApiError, not_found

JSON_FORMAT = "json"


def check_format(request: Request) -> None:
    """Refuse another format than JSON: one after the path or in the query is not found, one in Accept is 406."""
    asked = request.path_params.get("format") or request.query_params.get("format")
    if asked and asked != JSON_FORMAT:
        raise not_found()
    accepted = ",".join(request.headers.getlist("accept") or ["*/*"])
    if not any(_includes_json(media_type) for media_type in accepted.split(",")):
        raise ApiError(406, "invalid_request", "not_acceptable", "Could not satisfy the request Accept header.")


def _includes_json(media_type: str) -> bool:
    kind, _, subtype = media_type.partition(";")[0].strip().partition("/")
    return kind in {"*", "application"} and subtype in {"*", "json"}
