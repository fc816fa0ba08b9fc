"""The code of a model in a class made of some of its fields: validators, serialisers, computed fields.

What belongs to one field comes with it. What reads several fields is taken where all that it
mentions is there; what it mentions is read from its code, names and texts alike.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from types import CodeType
from typing import Any

from pydantic._internal._decorators import PydanticDescriptorProxy

from ..exceptions import FieldError

__all__ = ["add_code"]

_MISSING = object()


def add_code(
    model: Any,
    namespace: dict[str, Any],
    names: frozenset[str],
    optional: frozenset[str],
    computed: tuple[str, ...] | None,
) -> None:
    """Adds to the namespace of a class with these fields what of the model's code can run there.

    computed: the computed fields that were asked for; None for all that can be had.
    """
    decorators = model.__pydantic_decorators__
    missing = frozenset(model.__pydantic_fields__) - names
    for kind in ("field_validators", "field_serializers"):
        for name, decorator in getattr(decorators, kind).items():
            kept = tuple(field for field in decorator.info.fields if field == "*" or field in names)
            if kept:
                info = dataclasses.replace(decorator.info, fields=kept, check_fields=False)
                _add(model, namespace, name, decorator, info)
    for name, decorator in decorators.model_validators.items():
        if not _mentioned(model, decorator.cls_var_name) & (missing | optional):
            _add(model, namespace, name, decorator, decorator.info)
    for name, decorator in decorators.model_serializers.items():
        if not missing:
            _add(model, namespace, name, decorator, decorator.info)
    for name, decorator in decorators.computed_fields.items():
        mentioned = _mentioned(model, decorator.cls_var_name)
        read = mentioned & missing
        if computed is not None and name in computed and read:
            raise FieldError(
                f"{model.__name__}.{name} reads {min(read)}, which is not in this schema_class(): "
                f"include {min(read)} or leave {name} out"
            )
        if name in computed if computed is not None else not mentioned & (missing | optional):
            _add(model, namespace, name, decorator, decorator.info)


def _add(model: Any, namespace: dict[str, Any], name: str, decorator: Any, info: Any) -> None:
    raw = inspect.getattr_static(model, decorator.cls_var_name)
    namespace[name] = PydanticDescriptorProxy(raw, info, decorator.shim)
    for helper in _helpers(model, decorator.cls_var_name):
        value = inspect.getattr_static(model, helper, _MISSING)
        if value is _MISSING:
            value = model.__private_attributes__[helper]
        namespace.setdefault(helper, value)


# --- what code mentions -----------------------------------------------------------------------


def _mentioned(model: Any, attribute: str) -> frozenset[str]:
    """The fields of the model that the code of an attribute names, itself or through helpers."""
    names = _names_of(model, attribute)
    for helper in _helpers(model, attribute):
        names |= _names_of(model, helper)
    return frozenset(names).intersection(model.__pydantic_fields__)


def _helpers(model: Any, attribute: str) -> set[str]:
    """Attributes of the model's own that the code of an attribute names, and what these name."""
    from .base import Model

    found: set[str] = set()
    waiting = [attribute]
    while waiting:
        for name in _names_of(model, waiting.pop()):
            own = name in model.__private_attributes__ or (
                not hasattr(Model, name) and any(name in vars(base) for base in model.__mro__)
            )
            if own and name not in found and name not in model.__pydantic_fields__:
                found.add(name)
                waiting.append(name)
    return found - {attribute}


def _names_of(model: Any, attribute: str) -> set[str]:
    value = inspect.getattr_static(model, attribute, None)
    if isinstance(value, property):
        value = value.fget
    value = getattr(value, "func", value)  # cached_property, partial
    value = getattr(value, "__func__", value)
    code = getattr(inspect.unwrap(value) if callable(value) else value, "__code__", None)
    return set(_names_in(code)) if isinstance(code, CodeType) else set()


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)
        elif isinstance(constant, str):
            yield constant
        elif isinstance(constant, (tuple, frozenset)):
            yield from (item for item in constant if isinstance(item, str))
