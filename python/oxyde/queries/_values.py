"""Values on their way into the database: instances to insert, constants to assign."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic_core import PydanticCustomError, ValidationError

from .. import _core
from ..exceptions import ManagerError
from ..models._in_step import key_of_related
from ..models._values import prepare_for_write, validate_field
from ._fields import column_fields, key_fields, unknown_field


def instance_of(
    model: Any, method: str, data: Mapping[str, Any] | None, instance: Any, values: dict[str, Any]
) -> Any:
    """The instance given, or a new one from the values given."""
    if instance is not None:
        if values or data:
            raise ManagerError(f"{method}() takes an instance or values, not both")
        if not isinstance(instance, model):
            raise ManagerError(
                f"{method}() takes an instance of {model.__name__}, not of {type(instance).__name__}"
            )
        prepare_for_write(model, (instance,))
        return instance
    if data is not None:
        if not isinstance(data, Mapping):
            raise TypeError(f"{method}() takes a mapping of values, not {type(data).__name__}")
        values = {**data, **values}
    if not values and data is None:
        raise ManagerError(f"{method}() needs an instance or values")
    made = model(**values)
    prepare_for_write(model, (made,))
    return made


@cache
def _own_hooks() -> tuple[Any, Any]:
    from ..models.base import Model

    return Model.pre_save, Model.post_save


def has_save_hooks(model: Any) -> bool:
    """Whether the class overrides pre_save or post_save."""
    before, after = _own_hooks()
    return model.pre_save is not before or model.post_save is not after


def checked_values(model: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by field name: expressions as they are, constants validated as in assignment."""
    names = column_fields(model)
    checked: dict[str, Any] = {}
    for name, value in _by_column(model, values) if model._db_meta.foreign_keys else values.items():
        if name not in names:
            keys = key_fields(model)
            if name != "pk" or len(keys) != 1:
                raise unknown_field(model, name)
            name = keys[0]  # noqa: PLW2901
        if isinstance(value, _core.QueryState):
            from .expressions import Subquery

            value = Subquery(value)  # noqa: PLW2901
        value = value if isinstance(value, _core.Expr) else validate_field(model, name, value)  # noqa: PLW2901
        if name in checked and (checked[name] is not value and checked[name] != value):
            raise _contradiction(model, name, value)
        checked[name] = value
    return checked


def _by_column(model: Any, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values, those of relations as values of their id fields."""
    keys = model._db_meta.foreign_keys
    for name, value in values.items():
        key = keys.get(name)
        if key is None:
            yield name, value
        elif value is None or isinstance(value, key.target):
            parts = key_of_related(key, value)
            if value is not None and None in parts:
                raise ManagerError(
                    f"{model.__name__}.{name} is a {key.target.__name__} without "
                    f"{key.references[parts.index(None)]}; save it first"
                )
            yield from zip(key.ids, parts, strict=True)
        elif len(key.ids) == 1:
            yield key.ids[0], value
        elif isinstance(value, tuple) and len(value) == len(key.ids):
            yield from zip(key.ids, value, strict=True)
        else:
            raise ManagerError(
                f"{model.__name__}.{name} takes a {key.target.__name__} or a tuple of "
                f"{len(key.ids)} values: {', '.join(key.references)}"
            )


def related_values(model: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that are related instances."""
    keys = model._db_meta.foreign_keys
    return {n: v for n, v in values.items() if n in keys and isinstance(v, keys[n].target)}


def _contradiction(model: Any, name: str, value: Any) -> ValidationError:
    error = PydanticCustomError("relation_contradiction", "a relation and its id disagree; give one of them")
    return ValidationError.from_exception_data(
        model.__name__, [{"type": error, "loc": (name,), "input": value}]
    )
