"""Lookup paths that options and parameters name: through which models they go, and to which field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .fields import columns_of, fields_of, relation_target
from .names import did_you_mean
from .resource import AdminField

__all__ = ["Path", "UnknownPathError", "follow"]

_JSON = frozenset({"json", "json_binary"})
_PARTS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        ("date_time", "date_time_utc"),
        frozenset(
            {"year", "quarter", "month", "week", "week_day", "day", "hour", "minute", "second", "date"}
        ),
    ),
    "date": frozenset({"year", "quarter", "month", "week", "week_day", "day"}),
    "time": frozenset({"hour", "minute", "second"}),
}


class UnknownPathError(ValueError):
    """A path names nothing. The text names the nearest name."""


@dataclass(frozen=True, slots=True)
class Path:
    """A path that leads somewhere.

    `text` is what a query takes. `steps` are the models on the way, each with the name that is read
    there (a relation, at the end a field). `field` is the last one, None if the path ends at a
    reverse relation; `keys` are the keys inside a JSON field or the part of a date after it.
    """

    text: str
    steps: tuple[tuple[type[Any], str], ...]
    field: AdminField | None
    keys: tuple[str, ...] = ()


def follow(model: type[Any], text: str) -> Path:
    """Reads a path of names joined by `__`; columns are accepted for fields."""
    steps: list[tuple[type[Any], str]] = []
    here: Any = model
    parts = text.split("__")
    for index, part in enumerate(parts):
        name, rest = _name(here, part, text), tuple(parts[index + 1 :])
        steps.append((here, name))
        field = fields_of(here).get(name)
        target = relation_target(here, name)
        if target is not None and rest:
            here = target
            continue
        if rest:
            _check_rest(here, field, rest, text)
        done = "__".join((*(step for _, step in steps), *rest))
        return Path(done, tuple(steps), field, rest)
    raise UnknownPathError(f"{model.__name__}: {text!r} is no path")


def _name(model: Any, part: str, text: str) -> str:
    fields, columns = fields_of(model), columns_of(model)
    keys = model._db_meta.pk_fields
    if part in fields or part in model._db_meta.relations:
        return part
    if part in columns:
        return columns[part]
    if part == "pk" and len(keys) == 1:
        return str(keys[0])
    known = [*fields, *columns, *model._db_meta.relations]
    raise UnknownPathError(
        f"{text!r} names {part!r}, which {model.__name__} does not have{did_you_mean(part, known)}"
    )


def _check_rest(model: Any, field: AdminField | None, rest: tuple[str, ...], text: str) -> None:
    kind = "" if field is None else field.kind
    if kind in _JSON and all(rest):
        return
    if len(rest) == 1 and rest[0] in _PARTS.get(kind, ()):
        return
    near = did_you_mean(rest[0], _PARTS.get(kind, ()))
    raise UnknownPathError(
        f"{text!r} goes on after {field.name if field else text!r}, which is no relation{near}"
    )
