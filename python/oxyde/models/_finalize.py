"""Finishing a table model: its annotations resolved, its columns known and checked."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_args, get_origin

from pydantic_core import PydanticUndefined

from ..exceptions import FieldError
from ._namespaces import missing_names_of, rebuild
from ._types import Sizes, column_type, flat_metadata, unwrap
from ._unknown import near_misses
from .field import DB_DEFAULTS, OxydeFieldInfo, as_oxyde_field, db_arguments, is_filled
from .metadata import ColumnMeta, ModelMeta
from .registry import add_pending, drop_pending

__all__ = ["adopt_fields", "fields_complete", "finish", "missing_names", "try_finish"]

_NO_NAMES: Mapping[str, Any] = MappingProxyType({})


def fields_complete(cls: Any) -> bool:
    """Whether every annotation of the model could be evaluated."""
    return bool(cls.__pydantic_fields_complete__)


def missing_names(cls: type[Any]) -> list[str]:
    """Names that the model's annotations use and nothing defines."""
    return missing_names_of(cls)


def adopt_fields(cls: Any) -> None:
    """Turns the model's fields into `OxydeFieldInfo`, so that all know their `db_*` values."""
    fields = cls.__pydantic_fields__
    for name, info in fields.items():
        _, metadata, _ = unwrap(info.annotation)
        inherited: dict[str, Any] = {}
        # A Field under Optional is not merged by Pydantic; its column settings still count.
        for item in reversed(metadata):
            inherited.update(db_arguments(item) if hasattr(item, "_attributes_set") else {})
        if type(info) is not OxydeFieldInfo or not inherited.keys() <= info._attributes_set.keys():
            fields[name] = as_oxyde_field(info, inherited)


def try_finish(cls: Any, names: Mapping[str, Any] = _NO_NAMES, *, everything: bool = False) -> None:
    """Finishes a pending model if its names can be resolved now; never raises.

    What is wrong with the model is raised when it is used: the statement that runs now
    belongs to another model.
    """
    meta: ModelMeta = cls._db_meta
    try:
        finish(cls, names, everything=everything)
    except Exception as error:
        meta.error = error
        drop_pending(cls)


def finish(cls: Any, names: Mapping[str, Any] = _NO_NAMES, *, everything: bool) -> bool:
    """Finishes a table model; False, and pending, if a name is missing."""
    meta: ModelMeta = cls._db_meta
    if meta.finished:
        return True
    if meta.error is not None:
        raise meta.error
    if not fields_complete(cls) and rebuild(cls, names, everything=everything) is not None:
        add_pending(cls)
        return False
    adopt_fields(cls)
    columns = _columns(cls)
    if all(column.column_type is not None for column in columns.values()):
        # A foreign key adds columns, and these may be named as well.
        _check_names(cls, meta, columns)
    meta.finish(columns)
    drop_pending(cls)
    return True


def _is_table(tp: Any) -> bool:
    meta = vars(tp).get("_db_meta") if isinstance(tp, type) else None
    return isinstance(meta, ModelMeta) and meta.is_table


def _is_relation(field: OxydeFieldInfo) -> bool:
    if field.is_virtual or field.db_fk is not None:
        return True
    base, _, _ = unwrap(field.annotation)
    if get_origin(base) is list and get_args(base):
        base, _, _ = unwrap(get_args(base)[0])
    return _is_table(base)


def _columns(cls: Any) -> dict[str, ColumnMeta]:
    columns: dict[str, ColumnMeta] = {}
    for name, field in cls.__pydantic_fields__.items():
        columns[name] = _column(cls, name, field)
    owners: dict[str, str] = {}
    for name, column in columns.items():
        if column.column_type is None:
            continue
        other = owners.setdefault(column.db_column, name)
        if other != name:
            raise FieldError(
                f"{cls.__name__}.{name} and {cls.__name__}.{other} have the same column {column.db_column!r}"
            )
    return columns


def _python_type(field: OxydeFieldInfo) -> Any:
    base, _, _ = unwrap(field.annotation)
    return base


def _column(cls: Any, name: str, field: OxydeFieldInfo) -> ColumnMeta:
    relation = _is_relation(field)
    label = f"{cls.__name__}.{name}"
    kind = None if relation else column_type(field.annotation, field.metadata, field.db_type, label)
    optional = kind.shape.optional if kind is not None else unwrap(field.annotation)[2]
    default = None if field.default is PydanticUndefined else field.default
    if field.db_nullable is not None:
        nullable = field.db_nullable
    else:
        implied = not relation and not field.is_required() and field.default is None and not is_filled(field)
        nullable = optional or implied
    sizes = kind.shape.sizes if kind is not None else Sizes()
    return ColumnMeta(
        name=name,
        db_column=field.db_column or name,
        python_type=_python_type(field),
        nullable=nullable,
        db_type=field.db_type,
        index=bool(field.db_index),
        index_name=field.db_index_name,
        index_method=field.db_index_method,
        unique=bool(field.db_unique),
        primary_key=bool(field.db_pk),
        comment=field.db_comment,
        default=default,
        default_factory=field.default_factory,
        db_default=field.db_default,
        max_length=_constraint(field, "max_length", sizes.max_length),
        max_digits=_constraint(field, "max_digits", sizes.max_digits),
        decimal_places=_constraint(field, "decimal_places", sizes.decimal_places),
        extra={n: v for n, v in db_arguments(field).items() if relation and v != DB_DEFAULTS[n]},
        column_type=kind,
    )


def _constraint(field: OxydeFieldInfo, name: str, of_column: int | None) -> int | None:
    if of_column is not None:
        return of_column
    values = [getattr(item, name, None) for item in flat_metadata(field.metadata)]
    numbers = [v for v in values if isinstance(v, int)]
    return min(numbers, default=None)


def _check_names(cls: Any, meta: ModelMeta, columns: dict[str, ColumnMeta]) -> None:
    known = {*columns, *(c.db_column for c in columns.values())}

    def check(option: str, name: Any, allowed: set[str]) -> None:
        if name not in allowed:
            what = "field or column" if allowed is known else "field"
            near = near_misses(str(name), allowed)
            raise FieldError(f"{cls.__name__}.Meta.{option} names {name!r}, which is no {what}{near}")

    for index in meta.indexes:
        for name in index.fields:
            check("indexes", name, known)
    for group in meta.unique_together:
        for name in group:
            check("unique_together", name, known)
    fields = {*columns, "pk"}
    for term in meta.ordering:
        if isinstance(term, str) and term != "?":
            check("ordering", term.removeprefix("-").partition("__")[0], fields)
