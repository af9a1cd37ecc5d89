"""server.json: what the MCP registry is told, against its own schema and our own settings."""

import json
import os
from importlib.resources import files
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import jsonschema
import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from errtrack_mcp import __version__
from errtrack_mcp.settings import Settings, variable_of

ROOT = Path(__file__).parent.parent
FILE = ROOT / "server.json"
SERVER: Any = json.loads(FILE.read_text())
# The registry's newest released schema, as a published linter carries it.
RELEASED = files("skillsaw") / "schemas" / "mcp_registry"
SCHEMA: Any = json.loads((RELEASED / "v2025_12_11" / "server.schema.json").read_text())


def parts_of(annotation: Any) -> set[Any]:
    """Return the types that an annotation is made of."""
    if get_origin(annotation) in {None, Literal}:
        return {annotation}
    found = {get_origin(annotation)} - {Union, UnionType}
    return found.union(*(parts_of(part) for part in get_args(annotation)))


def described(name: str, field: FieldInfo) -> dict[str, Any]:
    """Write one setting as the registry wants it."""
    parts = parts_of(field.annotation)
    said: dict[str, Any] = {"name": variable_of(name), "description": field.description}
    if SecretStr in parts:
        said["isSecret"] = True
    said["format"] = "boolean" if bool in parts else "number" if parts & {int, float} else "string"
    if isinstance(field.default, bool | int | float | str):
        said["default"] = str(field.default).lower() if isinstance(field.default, bool) else f"{field.default}"
    for part in parts:
        if get_origin(part) is Literal:
            said["choices"] = list(get_args(part))
    return said


def test_the_registry_would_take_it() -> None:
    """It is valid against the schema it names, which is the newest that was released."""
    assert SERVER["$schema"] == SCHEMA["$id"]
    assert max(item.name for item in RELEASED.iterdir() if item.name.startswith("v")) == "v2025_12_11"
    jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(SERVER)


@pytest.mark.parametrize(
    "spoil",
    [{"version": None}, {"name": "errtrack"}, {"description": "x" * 101}, {"packages": [{"registryType": "pypi"}]}],
)
def test_the_schema_refuses_what_the_registry_would(spoil: dict[str, Any]) -> None:
    """The check above can fail."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SCHEMA).validate(SERVER | spoil)


def test_it_names_this_version_and_the_package_that_names_it() -> None:
    """The registry looks for the server's name in the description of the package."""
    (package,) = SERVER["packages"]
    assert SERVER["version"] == package["version"] == __version__
    assert package["identifier"] == "errtrack-mcp"
    assert f"<!-- mcp-name: {SERVER['name']} -->" in (ROOT / "README.md").read_text()


def test_every_setting_is_named_as_it_is_and_secrets_are_marked() -> None:
    """Names, descriptions, defaults and choices are those of the settings; UPDATE_SNAPSHOTS=1 writes them."""
    expected = [described(name, field) for name, field in Settings.model_fields.items()]
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SERVER["packages"][0]["environmentVariables"] = expected
        FILE.write_text(json.dumps(SERVER, indent=2) + "\n")
    assert SERVER["packages"][0]["environmentVariables"] == expected
    secrets = {item["name"] for item in expected if item.get("isSecret")}
    assert {"POSTHOG_PERSONAL_API_KEY", "ERRTRACK_STATE_KEYS", "ERRTRACK_REDIS_URL"} <= secrets


def test_the_remote_server_takes_the_key_as_a_secret_in_a_header() -> None:
    """No address of it holds a key."""
    (remote,) = SERVER["remotes"]
    (key,) = (header for header in remote["headers"] if header["name"] == "Authorization")
    assert (key["isRequired"], key["isSecret"]) == (True, True)
    assert "key" not in remote["url"]
