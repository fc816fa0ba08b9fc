"""From a finished model class to the engine's plan: one FieldSpec per column."""

from __future__ import annotations

import enum
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .. import _core
from ..exceptions import FieldError, FieldLookupError, ManagerError
from ._finalize import finish, missing_names
from ._relations import relation_of
from ._settings import unloaded_rule
from ._stored import coerce_for, to_stored_for
from ._types import ColumnType
from .field import is_serial
from .metadata import ColumnMeta, ModelMeta
from .registry import find_tables, key_of

__all__ = ["FieldSpec", "finished_meta", "is_generated", "plan_of", "renew_plans"]

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


def renew_plans() -> None:
    """Forgets all plans: each is made again on its next use.

    What runs now may hold an old one; so they are kept, which costs little: this is a setting
    that a process changes once.
    """
    from .base import Model, OwnPlan

    with _lock:
        for model in _descendants(Model):
            plan = vars(model).get("__oxyde_plan__")
            if isinstance(plan, _core.Plan):
                model._db_meta.old_plans.append(plan)
                type.__setattr__(model, "__oxyde_plan__", OwnPlan())


def _descendants(cls: type[Any]) -> Iterator[type[Any]]:
    for child in cls.__subclasses__():
        yield child
        yield from _descendants(child)


def _build(model: Any) -> Any:
    from ..queries._base import order_terms
    from ._proof import prove

    meta = finished_meta(model)
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
    validate_row, partial = proof.validate_row, proof.partial
    hidden: frozenset[str] = frozenset()
    without_id: tuple[tuple[str, tuple[str, ...]], ...] = ()
    if unloaded_rule(model) == "raise":
        hidden = frozenset(meta.relation_fields)
        without_id = tuple((key.name, key.ids) for key in meta.foreign_keys.values())
        validate_row = functools.partial(_validate_without, validate_row, hidden, dict(without_id))
        partial = functools.partial(_without_defaults, partial)
    return _core.Plan(
        model,
        table=meta.table_name,
        schema=meta.schema or "",
        fields=fields,
        pk=meta.pk_fields,
        absent=[default for default in proof.absent if default[0] not in hidden],
        attributes=tuple(name for name in proof.attributes if name not in hidden),
        whole_model=proof.whole_model,
        validate_row=validate_row,
        extra=proof.extra,
        init_private=proof.init_private,
        partial=partial,
        order=order_terms(meta.ordering),
        relations=meta.relation_fields,
        relation=functools.partial(relation_of, model),
        without_id=without_id,
    )


def _validate_without(
    validate: Callable[[Any], Any], hidden: frozenset[str], ids: dict[str, tuple[str, ...]], values: Any
) -> Any:
    """A row through the model's validator, and without the relations that it cannot have loaded."""
    made = validate(values)
    attributes = getattr(made, "__dict__", {})
    for name in hidden:
        if not any(attributes.get(id_name) is None for id_name in ids.get(name, ())):
            attributes.pop(name, None)
    return made


def _without_defaults(partial: Callable[..., Any], names: tuple[str, ...]) -> Any:
    """Rules for rows with these fields alone; reading another one is to raise."""
    validate, _ = partial(names)
    return validate, ()


def finished_meta(model: Any) -> ModelMeta:
    """The metadata of a table model that is finished now; the same errors as `plan_of`."""
    meta = vars(model).get("_db_meta")
    if not isinstance(meta, ModelMeta) or not meta.is_table:
        raise ManagerError(f"{model.__name__} is no table; give it a class Meta with is_table = True")
    if not finish(model, everything=True):
        missing = missing_names(model)
        for name in missing:
            found = find_tables(name, model.__module__)
            if len(found) > 1:
                listed = ", ".join(key_of(table) for table in found)
                raise FieldLookupError(
                    f"{model.__name__} is not finished: {name!r} may be any of {listed}; "
                    f"import the one you mean"
                )
        names = ", ".join(missing) or "a name"
        raise FieldError(
            f"{model.__name__} is not finished: its annotations name {names}, which nothing defines"
        )
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
    if any(name in key.ids for key in meta.foreign_keys.values()):
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
