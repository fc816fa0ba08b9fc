"""Instances of rows that nobody validated.

For tools that must show, repair or delete what a model rejects: a query with `values()` reads any row,
and `unchecked` makes of it what loading would have made had the row been valid.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pydantic
from pydantic._internal._model_construction import init_private_attributes

from .. import _core
from . import _instance
from ._plan import finished_meta
from ._settings import unloaded_rule
from ._stored import coerce_for
from .base import Model

__all__ = ["unchecked"]

M = TypeVar("M", bound=Model)
Convert = Callable[[Any], Any]


def unchecked(model: type[M], values: Mapping[str, Any]) -> M:
    """An instance that stands for the stored row with these values by field name.

    Each value gets the type of its field, without constraints and validators, and stays what it is
    where that type refuses it. Fields that are not given count as not loaded. Validators of the
    model and `model_post_init` do not run; private attributes have their defaults.
    """
    attributes: dict[str, Any] = {}
    raises = unloaded_rule(model) == "raise"
    converters = _converters(model)
    for name, field in model.__pydantic_fields__.items():
        if name in values and name in converters:
            attributes[name] = _converted(converters[name], values[name])
        elif not raises:
            attributes[name] = _default(field, attributes)
    instance = model.__new__(model)
    object.__setattr__(instance, "__dict__", attributes)
    object.__setattr__(instance, "__pydantic_extra__", None)
    object.__setattr__(instance, "__pydantic_private__", None)
    object.__setattr__(instance, "__pydantic_fields_set__", {name for name in converters if name in values})
    if model.__private_attributes__:
        init_private_attributes(instance, None)
    loaded = None if converters.keys() <= values.keys() else frozenset(values) & converters.keys()
    _instance._write(instance, _core.InstanceState(True, loaded, frozenset(), frozenset()))
    return instance


def _converted(convert: Convert | None, value: Any) -> Any:
    if convert is None or value is None:
        return value
    try:
        return convert(value)
    except pydantic.ValidationError:
        return value


def _default(field: Any, values: Mapping[str, Any]) -> Any:
    if field.is_required():
        return None
    return field.get_default(call_default_factory=True, validated_data=dict(values))


_made: weakref.WeakKeyDictionary[type[Any], dict[str, Convert | None]] = weakref.WeakKeyDictionary()


def _converters(model: type[Any]) -> dict[str, Convert | None]:
    """How each field with a column gets its type."""
    found = _made.get(model)
    if found is None:
        found = {}
        for name, column in finished_meta(model).columns.items():
            assert column.column_type is not None
            found[name] = coerce_for(column.column_type, model.__pydantic_fields__[name].annotation)
        _made[model] = found
    return found
