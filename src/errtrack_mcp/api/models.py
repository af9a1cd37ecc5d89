"""The base of everything that the API returns, and of everything that a tool answers."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator


class Ours:
    """Marks a field whose text this server writes itself, as in `Annotated[str, OURS]`.

    Text in every other field may have been written by strangers, and is named to the model as data.
    """


OURS = Ours()


class ToolOutput(BaseModel):
    """A model that is written out with the fields that it was given and no others."""

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """Return the fields that were given, those of models inside included."""
        return super().model_dump(**{**options, "exclude_unset": True})


class ApiModel(ToolOutput):
    """An object as the API returned it: unknown fields are kept, missing ones stay missing.

    Null counts as missing for a field whose default is not None. A summary is the same model with fewer fields.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    never_null: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **_options: Any) -> None:
        """Note which fields cannot be null."""
        cls.never_null = frozenset(name for name, field in cls.model_fields.items() if field.default is not None)

    @model_validator(mode="before")
    @classmethod
    def _drop_impossible_nulls(cls, data: Any) -> Any:
        if not isinstance(data, dict) or None not in data.values():
            return data
        return {name: value for name, value in data.items() if value is not None or name not in cls.never_null}

    def only(self, *names: str, **replaced: Any) -> Self:
        """Return a copy with these fields, without those that are null, and with `replaced` put in."""
        own = self.__dict__
        given = self.model_fields_set
        kept = {name: own[name] for name in names if name in given and own[name] is not None}
        return self.model_validate({**kept, **replaced})
