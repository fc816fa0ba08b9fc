"""What a stub says of a model's fields."""

from __future__ import annotations

import enum
import keyword
from dataclasses import dataclass
from typing import Any, Literal

import pydantic
from pydantic import AliasChoices, AliasPath

from .. import _core
from ..models._plan import _category, finished_meta
from ..models._types import unwrap
from ._annotations import joined, literal_text, render, split_union, without_none
from ._names import Names

__all__ = ["FieldFacts", "fields_of"]


@dataclass(frozen=True)
class FieldFacts:
    """A field as a stub describes it.

    `type`: as an attribute. `value`: what may be given for it, without None: members and values of an
    enumeration, an instance or the key of a relation. `accepted`: names the constructor takes.
    `lookups`: those the run time allows, in its order. `element`: of a list, set or tuple column.
    `target`: of a relation to many rows.
    """

    name: str
    type: str
    value: str
    kind: Literal["column", "one", "many"]
    required: bool
    accepted: tuple[str, ...]
    lookups: tuple[str, ...] = ()
    category: str = ""
    element: str | None = None
    target: str = ""

    @property
    def has_column(self) -> bool:
        """Whether the field can be filtered by, and written."""
        return self.kind != "many" and bool(self.lookups)

    @property
    def initial(self) -> str:
        """The type of the constructor's parameter."""
        if self.kind != "column":
            return self.type
        return joined([self.value, "None"] if "None" in split_union(self.type) else [self.value])


_CATEGORY_NAMES = {
    getattr(_core, name): name[len("CAT_") :].lower() for name in dir(_core) if name.startswith("CAT_")
}


def fields_of(model: Any, names: Names) -> list[FieldFacts]:
    """The fields of a table model in their order, inherited and generated ones included."""
    meta = finished_meta(model)
    ids = {field for key in meta.foreign_keys.values() for field in key.ids}
    found = []
    for name, info in model.__pydantic_fields__.items():
        column = meta.columns.get(name)
        if column is None or column.column_type is None:
            found.append(_relation(model, name, info, names))
            continue
        accepted = _accepted(model, name, info)
        value, element = _value(info.annotation, names)
        category = _category(column.column_type)
        found.append(
            FieldFacts(
                name=name,
                type=render(info.annotation, names),
                value=value,
                kind="column",
                required=info.is_required() and name not in ids and accepted == (name,),
                accepted=accepted,
                lookups=_core.LOOKUPS[category],
                category=_CATEGORY_NAMES[category],
                element=element,
            )
        )
    return found


def _relation(model: Any, name: str, info: Any, names: Names) -> FieldFacts:
    text = render(info.annotation, names)
    accepted = _accepted(model, name, info)
    key = model._db_meta.foreign_keys.get(name)
    if key is None:
        base, _, _ = unwrap(info.annotation)
        if getattr(base, "__origin__", base) is list:
            item = (getattr(base, "__args__", None) or (Any,))[0]
            return FieldFacts(name, text, "", "many", False, accepted, target=render(item, names))
        return FieldFacts(name, text, "", "one", False, accepted)
    keys = [without_none(render(model.__pydantic_fields__[field].annotation, names)) for field in key.ids]
    key_type = keys[0] if len(keys) == 1 else f"tuple[{', '.join(keys)}]"
    return FieldFacts(
        name=name,
        type=text,
        value=joined([without_none(text), key_type]),
        kind="one",
        required=False,
        accepted=accepted,
        lookups=_core.LOOKUPS[_core.CAT_NUMERIC],
        category="relation",
    )


def _value(annotation: Any, names: Names) -> tuple[str, str | None]:
    """What may be given for a column, and for an element of it."""
    base, _, _ = unwrap(annotation)
    text = without_none(render(base, names))
    if isinstance(base, type) and issubclass(base, enum.Enum):
        values = [member.value for member in base]
        if values and all(value is None or type(value) in (str, int, bool, bytes) for value in values):
            listed = ", ".join(literal_text(value) for value in values)
            return f"{text} | {names.use('typing', 'Literal')}[{listed}]", None
    origin = getattr(base, "__origin__", None)
    items = getattr(base, "__args__", ())
    if origin in (list, set, frozenset, tuple) and items:
        return text, render(items[0], names)
    return text, None


def _accepted(model: Any, name: str, info: Any) -> tuple[str, ...]:
    """The names under which the constructor takes a field."""
    config = model.model_config
    by_name = config.get("validate_by_name", config.get("populate_by_name", False))
    by_alias = config.get("validate_by_alias", True)
    if info.init is False:
        return ()
    aliases = []
    if by_alias and info.validation_alias is not None:
        chosen = info.validation_alias
        choices = chosen.choices if isinstance(chosen, AliasChoices) else [chosen]
        for choice in choices:
            first = choice.path[0] if isinstance(choice, AliasPath) else choice
            if isinstance(first, str):
                aliases.append(first)
    taken = [name, *aliases] if by_name or info.validation_alias is None else aliases
    return tuple(dict.fromkeys(a for a in taken if a.isidentifier() and not keyword.iskeyword(a)))


def allows_extra(model: type[pydantic.BaseModel]) -> bool:
    """Whether the constructor takes names that are no fields, and keeps them."""
    return model.model_config.get("extra") == "allow"
