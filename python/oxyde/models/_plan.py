"""From a finished model class to the engine's plan: one FieldSpec per column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class FieldSpec(NamedTuple):
    """What the engine knows of one column. Read by `_core.Plan`, attribute by attribute.

    kind, elem: K_* numbers of the column and, for arrays, of its innermost element.
    size: n of VARCHAR(n) or precision, 0 for none. scale: -1 for none.
    load_kind, load_elem: K_* that cells are decoded to (the Python type's own kind).
    load: (LOAD_*, ...) as plan.h lists them.
    coerce: value -> value of the field's type as Pydantic's lax mode converts it, without
    constraints and validators; raises pydantic.ValidationError. None: no conversion.
    to_stored: value -> int, str, bytes, ... for types the engine cannot store itself.
    enum_members: stored value -> member, for enums.
    """

    name: str
    column: str
    kind: int
    elem: int
    ndim: int
    size: int
    scale: int
    nullable: bool
    primary_key: bool
    generated: bool
    enum_name: str
    enum_schema: str
    db_type: str
    category: int
    load_kind: int
    load_elem: int
    load_nullable: bool
    load: tuple[Any, ...]
    coerce: Callable[[Any], Any] | None
    to_stored: Callable[[Any], Any] | None
    enum_members: dict[Any, Any] | None
