"""From a finished model class to the engine's plan: one FieldSpec per column."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from .. import _core
from ..exceptions import FieldError, ManagerError
from ._finalize import finish, missing_names
from ._stored import coerce_for, to_stored_for
from ._types import ColumnType
from .field import is_serial
from .metadata import ColumnMeta, ModelMeta

__all__ = ["FieldSpec", "is_generated", "plan_of"]

_lock = threading.RLock()


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
    plain: decoded value -> what values() shows (a dict of members, or a callable), where decoding
    alone does not give what the attribute would hold: enums, sets, tuples (proof). None: as decoded.
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
    plain: dict[Any, Any] | Callable[[Any], Any] | None = None


def plan_of(model: Any) -> Any:
    """The engine's plan of a table model, made on first use.

    Raises `ManagerError` for models that are no tables and `FieldError` for those that
    cannot be finished.
    """
    plan = vars(model).get("__oxyde_plan__")
    if isinstance(plan, _core.Plan):
        return plan
    with _lock:
        plan = vars(model).get("__oxyde_plan__")
        if not isinstance(plan, _core.Plan):
            plan = _build(model)
            type.__setattr__(model, "__oxyde_plan__", plan)
        return plan


def _build(model: Any) -> Any:
    from ..queries._base import order_terms
    from ._proof import prove

    meta = _finished_meta(model)
    columns = {name: (column, column.column_type) for name, column in meta.columns.items()}
    kinds = {
        name: (_kind(type_.load_kind), _kind(type_.load_elem))
        for name, (_, type_) in columns.items()
        if type_ is not None
    }
    proof = prove(model, kinds)
    fields = [
        _field_spec(model, meta, column, type_, proof)
        for column, type_ in columns.values()
        if type_ is not None
    ]
    return _core.Plan(
        model,
        table=meta.table_name,
        schema=meta.schema or "",
        fields=fields,
        pk=meta.pk_fields,
        absent=proof.absent,
        attributes=proof.attributes,
        whole_model=proof.whole_model,
        validate_row=proof.validate_row,
        extra=proof.extra,
        init_private=proof.init_private,
        partial=proof.partial,
        order=order_terms(meta.ordering),
    )


def _finished_meta(model: Any) -> ModelMeta:
    meta = vars(model).get("_db_meta")
    if not isinstance(meta, ModelMeta) or not meta.is_table:
        raise ManagerError(f"{model.__name__} is no table; give it a class Meta with is_table = True")
    if not finish(model, everything=True):
        names = ", ".join(missing_names(model)) or "a name"
        raise FieldError(
            f"{model.__name__} is not finished: its annotations name {names}, which nothing defines"
        )
    if meta.relation_fields:
        names = ", ".join(f"{model.__name__}.{name}" for name in meta.relation_fields)
        raise FieldError(f"{names}: relations are not supported yet")
    if not meta.columns:
        raise FieldError(f"{model.__name__} has no columns")
    if not model.__pydantic_complete__:
        model.model_rebuild()
    return meta


def _kind(name: str) -> int:
    return _core.KIND_NAMES[name or "unknown"]


def is_generated(model: Any, name: str) -> bool:
    """Whether the database fills the column when it is left out: auto-increment or `db_default`."""
    meta: ModelMeta = model._db_meta
    column = meta.field_metadata[name]
    if column.db_default is not None:
        return True
    if not column.primary_key or len(meta.pk_fields) != 1 or column.column_type is None:
        return False
    return column.column_type.kind == "big_integer" and (column.db_type is None or is_serial(column.db_type))


_CATEGORIES = {
    "boolean": "PLAIN",
    "enum": "PLAIN",
    "big_integer": "NUMERIC",
    "double": "NUMERIC",
    "decimal": "NUMERIC",
    "string": "STRING",
    "text": "STRING",
    "date_time": "DATETIME",
    "date_time_utc": "DATETIME",
    "date": "DATE",
    "time": "TIME",
    "array": "ARRAY",
    "json": "JSON",
}


def _category(type_: ColumnType) -> int:
    shape = type_.shape
    name = _CATEGORIES.get(shape.kind, "ORDERED")
    if shape.kind == "array" and shape.elem == "json":
        name = "JSON"
    return int(getattr(_core, f"CAT_{name}"))


def _members(cls: type[enum.Enum] | None) -> dict[Any, Any] | None:
    return None if cls is None else {member.value: member for member in cls}


def _field_spec(model: Any, meta: ModelMeta, column: ColumnMeta, type_: ColumnType, proof: Any) -> FieldSpec:
    name = column.name
    annotation = model.__pydantic_fields__[name].rebuild_annotation()
    native = type_.native_enum
    return FieldSpec(
        name=name,
        column=column.db_column,
        kind=_kind(type_.kind),
        elem=_kind(type_.elem),
        ndim=type_.ndim,
        size=type_.size,
        scale=type_.scale,
        nullable=column.nullable,
        primary_key=column.primary_key,
        generated=is_generated(model, name),
        enum_name=enum_type_name(native.__name__) if native is not None else "",
        enum_schema=(meta.schema or "") if native is not None else "",
        db_type=column.db_type or "",
        category=_category(type_),
        load_kind=_kind(type_.load_kind),
        load_elem=_kind(type_.load_elem),
        load_nullable=proof.nullable[name],
        load=proof.fields[name],
        coerce=coerce_for(type_, annotation),
        to_stored=to_stored_for(type_, annotation),
        enum_members=_members(type_.shape.enum),
        plain=proof.plain.get(name),
    )


def enum_type_name(name: str) -> str:
    """The name of an enumeration's type: `XMLHttpRequest` gives `xml_http_request_enum`."""
    out: list[str] = []
    for i, letter in enumerate(name):
        follows = name[i + 1 : i + 2]
        if (
            letter.isupper()
            and i > 0
            and name[i - 1] != "_"
            and (not name[i - 1].isupper() or follows.islower())
        ):
            out.append("_")
        out.append(letter.lower())
    return "".join(out) + "_enum"
