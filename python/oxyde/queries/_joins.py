"""The paths of `join()`, checked when they are given."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from .. import _core
from ..exceptions import FieldLookupError
from ..models._relations import relation_of
from ..models._unknown import near_misses
from .expressions import name_of

_TO_ONE = (_core.REL_FORWARD, _core.REL_REVERSE_ONE)


def join_paths(model: Any, paths: tuple[Any, ...], before: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The paths joined so far and the given ones, each once."""
    if not paths:
        raise ValueError("join() needs the name of a relation")
    joined = dict.fromkeys(before)
    joined.update((_checked(model, path), None) for path in paths)
    return tuple(joined)


def _checked(model: Any, path: Any) -> str:
    path = name_of(path)
    if not isinstance(path, str):
        raise TypeError(f"join() takes names of relations, not {type(path).__name__}")
    if not path:
        raise ValueError("join() needs the name of a relation, not an empty string")
    at = model
    for name in path.split("__"):
        at = _target(at, name, path)
    return sys.intern(path)  # its address is part of the key of a compiled statement


def _target(model: Any, name: str, path: str) -> Any:
    """The model at the other end of one step."""
    spec = relation_of(model, name)
    where = "" if name == path else f" (in {path!r})"
    if spec is None:
        what = "is no relation" if name in model.__pydantic_fields__ else "does not exist"
        near = near_misses(name, _names(model))
        raise FieldLookupError(f"join() needs a relation; {model.__name__}.{name} {what}{where}{near}")
    if spec.kind not in _TO_ONE:
        raise FieldLookupError(
            f"{model.__name__}.{name} leads to many rows{where}, which join() cannot load; "
            f"use prefetch({path!r})"
        )
    return spec.target


def _names(model: Any) -> Iterable[str]:
    """The relations that join() could follow."""
    specs = ((name, relation_of(model, name)) for name in model._db_meta.relation_fields)
    return [name for name, spec in specs if spec is not None and spec.kind in _TO_ONE]
