"""Reading `class Meta`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .decorators import Check, Index
from .metadata import ModelMeta

__all__ = ["read_meta"]

_OPTIONS = frozenset(
    {
        "is_table",
        "table_name",
        "schema",
        "comment",
        "indexes",
        "unique_together",
        "constraints",
        "ordering",
        "unloaded",
    }
)


def _attributes(meta: type) -> dict[str, Any]:
    """Attributes of a class and its bases, nearest first, without private ones."""
    found: dict[str, Any] = {}
    for cls in reversed(meta.__mro__[:-1]):
        found.update({name: value for name, value in vars(cls).items() if not name.startswith("_")})
    return found


def _listed(model: str, option: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, (str, Index, Check)) or not isinstance(value, Iterable):
        raise TypeError(f"{model}.Meta.{option} takes a list, not {value!r}")
    return list(value)


def _instances(model: str, option: str, value: Any, cls: type) -> list[Any]:
    items = _listed(model, option, value)
    for item in items:
        if not isinstance(item, cls):
            raise TypeError(f"{model}.Meta.{option} takes {cls.__name__} objects, not {item!r}")
    return items


def _groups(model: str, value: Any) -> list[tuple[str, ...]]:
    groups = []
    for group in _listed(model, "unique_together", value):
        if isinstance(group, str):
            raise TypeError(f"{model}.Meta.unique_together takes tuples of names, not the string {group!r}")
        names = tuple(group)
        if not names:
            raise ValueError(f"{model}.Meta.unique_together holds an empty group")
        groups.append(names)
    return groups


def read_meta(model: str, meta: Any) -> ModelMeta:
    """The options of a `Meta` class; `meta` may be None."""
    if meta is None:
        return ModelMeta(table_name=model.lower())
    if not isinstance(meta, type):
        raise TypeError(f"{model}.Meta is a class, not {meta!r}")
    given = _attributes(meta)
    unloaded = given.get("unloaded")
    if unloaded not in (None, "empty", "raise"):
        raise ValueError(f"{model}.Meta.unloaded is 'empty' or 'raise', not {unloaded!r}")
    for option in ("table_name", "schema", "comment"):
        value = given.get(option)
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{model}.Meta.{option} takes a string, not {value!r}")
    return ModelMeta(
        is_table=bool(given.get("is_table", False)),
        table_name=given.get("table_name") or model.lower(),
        schema=given.get("schema") or None,
        comment=given.get("comment"),
        indexes=_instances(model, "indexes", given.get("indexes"), Index),
        unique_together=_groups(model, given.get("unique_together")),
        constraints=_instances(model, "constraints", given.get("constraints"), Check),
        ordering=_listed(model, "ordering", given.get("ordering")),
        unloaded=unloaded,
        extra={name: value for name, value in given.items() if name not in _OPTIONS},
    )
