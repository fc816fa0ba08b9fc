"""Finishing a table model: its annotations resolved, its columns known and checked."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pydantic.errors import PydanticUndefinedAnnotation
from pydantic_core import PydanticUndefined

from ..exceptions import FieldError
from ._foreign_keys import prepare_fields
from ._namespaces import is_known, missing_names_of, rebuild
from ._relations import relation_infos
from ._types import Sizes, column_type, flat_metadata, unwrap
from ._unknown import near_misses
from .field import DB_DEFAULTS, OxydeFieldInfo, db_arguments, is_filled
from .metadata import ColumnMeta, ForeignKey, ForeignKeyInfo, ModelMeta
from .registry import add_pending, drop_pending, key_of

__all__ = ["complete_fields", "fields_complete", "finish", "missing_names", "prepare", "try_finish"]

_NO_NAMES: Mapping[str, Any] = MappingProxyType({})


def fields_complete(cls: Any) -> bool:
    """Whether every annotation of the model could be evaluated."""
    return bool(cls.__pydantic_fields_complete__)


def complete_fields(cls: Any) -> None:
    """Gives the fields their final form, at the last moment before Pydantic builds from them."""
    meta = vars(cls).get("__oxyde_meta__")
    if meta is None or meta.prepared:
        return
    if fields_complete(cls):
        prepare_fields(cls)
        return
    if "_db_meta" in vars(cls):
        # Not its own class statement: another model holds this one, and waits for the same names.
        done = finish(cls, everything=False) if meta.is_table else rebuild(cls, {}, everything=False) is None
        if done:
            return
    missing = missing_names(cls)
    raise PydanticUndefinedAnnotation(
        missing[0] if missing else cls.__name__, f"{cls.__name__} is not finished"
    )


def missing_names(cls: type[Any]) -> list[str]:
    """Names that the model's annotations use and nothing defines."""
    return missing_names_of(cls)


def try_finish(cls: Any, names: Mapping[str, Any] = _NO_NAMES, *, everything: bool = False) -> None:
    """Finishes a pending model if its names can be resolved now; never raises.

    What is wrong with the model is raised when it is used: the statement that runs now
    belongs to another model.
    """
    meta: ModelMeta = cls._db_meta
    if not everything and meta.waits_for not in names and not is_known(cls, meta.waits_for):
        return
    try:
        finish(cls, names, everything=everything)
    except Exception as error:
        meta.error = error
        drop_pending(cls)


def prepare(cls: Any, names: Mapping[str, Any] = _NO_NAMES, *, everything: bool) -> str | None:
    """Resolves annotations and completes the fields; the name that is still missing, or None."""
    if not fields_complete(cls):
        return rebuild(cls, names, everything=everything)
    # Pydantic has not asked yet: it builds the class later (defer_build), or does without us.
    try:
        prepare_fields(cls)
    except PydanticUndefinedAnnotation:
        return rebuild(cls, names, everything=everything)
    if cls.__pydantic_complete__:
        cls._rebuild_with(names, True)
    return None


def finish(cls: Any, names: Mapping[str, Any] = _NO_NAMES, *, everything: bool) -> bool:
    """Finishes a table model; False, and pending, if a name is missing."""
    meta: ModelMeta = cls._db_meta
    if meta.finished:
        return True
    if meta.error is not None:
        raise meta.error
    if not meta.prepared:
        missing = prepare(cls, names, everything=everything)
        if missing is not None:
            meta.waits_for = missing
            add_pending(cls)
            return False
    columns = _columns(cls, meta)
    _check_names(cls, meta, columns)
    meta.finish(columns, relation_infos(cls))
    drop_pending(cls)
    return True


def _columns(cls: Any, meta: ModelMeta) -> dict[str, ColumnMeta]:
    columns: dict[str, ColumnMeta] = {}
    for name, field in cls.__pydantic_fields__.items():
        columns[name] = _column(cls, name, field, field.is_virtual or name in meta.foreign_keys)
    for key in meta.foreign_keys.values():
        columns[key.name] = _relation(key, columns)
        _warn_of_null(cls, key, columns)
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


def _relation(key: ForeignKey, columns: dict[str, ColumnMeta]) -> ColumnMeta:
    """A relation attribute's metadata: what its id column is, and where it points."""
    ids = [columns[name] for name in key.ids]
    info = ForeignKeyInfo(
        target=key_of(key.target),
        column_name=ids[0].db_column,
        target_field=key.references[0],
        nullable=any(column.nullable for column in ids),
        on_delete=key.on_delete,
        on_update=key.on_update,
    )
    return replace(columns[key.name], db_column=info.column_name, nullable=info.nullable, foreign_key=info)


def _warn_of_null(cls: Any, key: ForeignKey, columns: dict[str, ColumnMeta]) -> None:
    if all(columns[name].nullable for name in key.ids):
        return
    for argument, action in (("db_on_delete", key.on_delete), ("db_on_update", key.on_update)):
        if action == "SET NULL":
            warnings.warn(
                f"{cls.__name__}.{key.name}: {argument}='SET NULL' cannot work, its column is NOT NULL; "
                f"annotate it with {key.target.__name__} | None or choose another action",
                UserWarning,
                stacklevel=2,
            )


def _python_type(field: OxydeFieldInfo) -> Any:
    base, _, _ = unwrap(field.annotation)
    return base


def _column(cls: Any, name: str, field: OxydeFieldInfo, relation: bool) -> ColumnMeta:
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
