"""From a finished oxyde model to its `AdminField`s."""

from __future__ import annotations

import functools
import re
from collections.abc import Hashable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, cast, get_args

import pydantic

from oxyde.exceptions import FieldLookupError
from oxyde.models.registry import finalize_pending
from oxyde.models.tools import is_generated, relation_of

from .resource import AdminField

__all__ = ["NotFinishedError", "columns_of", "fields_of", "relation_target"]

_SECRETS = (pydantic.SecretStr, pydantic.SecretBytes)
_COMPUTED_BY_DATABASE = re.compile(r"\bGENERATED\s+ALWAYS\b|\bAS\s*\(", re.IGNORECASE)


class NotFinishedError(ValueError):
    """A model cannot be looked at yet: what its annotations or relations name is not defined."""


def fields_of(model: type[Any]) -> Mapping[str, AdminField]:
    """All fields of a table model but reverse relations, in model order, computed ones at the end."""
    known: Mapping[str, AdminField] = _fields_of(cast("Hashable", model))
    return known


@functools.lru_cache(maxsize=1024)
def _fields_of(model: Any) -> Mapping[str, AdminField]:
    meta = _finished(model)
    found: dict[str, AdminField] = {}
    for name in model.model_fields:
        if name in meta.columns:
            found[name] = _column(model, meta, name)
        elif name in meta.foreign_keys:
            found[name] = _foreign_key(model, meta, name)
        elif meta.relations[name].kind == "many_to_many":
            found[name] = _many_to_many(model, name)
    for name, info in model.model_computed_fields.items():
        found[name] = AdminField(
            name=name,
            shape="computed",
            kind="",
            annotation=info.return_type,
            nullable=True,
            required=False,
            primary_key=False,
            unique=False,
            generated=False,
            frozen=True,
            secret=_is_secret(info.return_type),
            excluded=False,
            info=info,
        )
    return MappingProxyType(found)


def columns_of(model: type[Any]) -> Mapping[str, str]:
    """Column names to field names, where the two differ."""
    columns = _finished(model).columns
    return {column.db_column: name for name, column in columns.items() if column.db_column != name}


def relation_target(model: type[Any], name: str) -> type[Any] | None:
    """The model at the other end of any relation, reverse ones too; None for what is no relation."""
    _finished(model)
    try:
        relation = relation_of(model, name)
    except FieldLookupError as error:
        raise NotFinishedError(str(error)) from error
    return None if relation is None else relation.target


def _finished(model: Any) -> Any:
    """The model's metadata. Not ours to finish: whatever was wrong with it is said by oxyde."""
    meta = model._db_meta
    if not meta.finished:
        finalize_pending()
    if meta.error is not None:
        raise meta.error
    if not meta.finished:
        raise NotFinishedError(f"{model.__name__} is not finished: nothing defines {meta.waits_for!r}")
    return meta


def _column(model: Any, meta: Any, name: str) -> AdminField:
    info, column = model.model_fields[name], meta.columns[name]
    relation = next((key.name for key in meta.foreign_keys.values() if name in key.ids), None)
    frozen = bool(info.frozen) or bool(model.model_config.get("frozen"))
    if relation is not None:
        relation_info = model.model_fields[relation]
        frozen = frozen or bool(relation_info.frozen)
    key = name in meta.pk_fields
    return AdminField(
        name=name,
        shape="column",
        kind=column.column_type.kind,
        annotation=info.rebuild_annotation(),
        nullable=column.nullable,
        required=info.is_required(),
        primary_key=key,
        unique=column.unique or (key and len(meta.pk_fields) == 1),
        generated=_is_generated(model, column, key),
        frozen=frozen,
        secret=_is_secret(info.annotation),
        excluded=info.exclude is True,
        column=column,
        relation=relation,
        target=None if relation is None else meta.foreign_keys[relation].target,
        info=info,
    )


def _is_generated(model: Any, column: Any, key: bool) -> bool:
    if column.db_type is not None and _COMPUTED_BY_DATABASE.search(column.db_type):
        return True
    # A key with db_default may be given: only counting is the database's alone.
    return key and column.db_default is None and is_generated(model, column.name)


def _foreign_key(model: Any, meta: Any, name: str) -> AdminField:
    info, key = model.model_fields[name], meta.foreign_keys[name]
    ids = [meta.columns[id_name] for id_name in key.ids]
    unique = len(ids) == 1 and (ids[0].unique or meta.pk_fields == key.ids)
    return AdminField(
        name=name,
        shape="foreign_key",
        kind=ids[0].column_type.kind,
        annotation=info.rebuild_annotation(),
        nullable=any(column.nullable for column in ids),
        required=any(model.model_fields[id_name].is_required() for id_name in key.ids),
        primary_key=any(id_name in meta.pk_fields for id_name in key.ids),
        unique=unique,
        generated=False,
        frozen=any(_column(model, meta, id_name).frozen for id_name in key.ids),
        secret=False,
        excluded=info.exclude is True,
        column=meta.field_metadata[name],
        ids=tuple(key.ids),
        target=key.target,
        info=info,
    )


def _many_to_many(model: Any, name: str) -> AdminField:
    info = model.model_fields[name]
    target = relation_target(model, name)
    return AdminField(
        name=name,
        shape="many_to_many",
        kind="",
        annotation=info.rebuild_annotation(),
        nullable=False,
        required=False,
        primary_key=False,
        unique=False,
        generated=False,
        frozen=bool(info.frozen) or bool(model.model_config.get("frozen")),
        secret=False,
        excluded=info.exclude is True,
        column=model._db_meta.field_metadata[name],
        target=target,
        info=info,
        link=relation_of(model, name),
    )


def _is_secret(annotation: Any) -> bool:
    return any(isinstance(part, type) and issubclass(part, _SECRETS) for part in _parts(annotation))


def _parts(annotation: Any) -> Iterator[Any]:
    """The annotation and everything inside its brackets."""
    yield annotation
    for inner in get_args(annotation):
        yield from _parts(inner)
