"""The base of everything that the API returns."""

from typing import Any, Self, cast

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer, model_validator

from errtrack_mcp.api.text import clean_value


class ApiModel(BaseModel):
    """An object as the API returned it: unknown fields are kept, missing ones stay missing, strings are cleaned.

    Null counts as missing for a field whose default is not None. The object is written out with the fields that it
    was given and no others, so that a summary is the same model with fewer of them.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _clean_strings(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        never_null = {name for name, field in cls.model_fields.items() if field.default is not None}
        return {name: clean_value(value) for name, value in data.items() if value is not None or name not in never_null}

    @model_serializer(mode="wrap")
    def _given_fields_only(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        given = self.model_fields_set
        return {name: value for name, value in written.items() if name in given}

    def only(self, *names: str, **replaced: Any) -> Self:
        """Return a copy with these fields, without those that are null, and with `replaced` put in."""
        kept = {name: getattr(self, name) for name in names if name in self.model_fields_set}
        kept = {name: value for name, value in kept.items() if value is not None}
        return cast("Self", self.model_construct(_fields_set=None, **kept, **replaced))
