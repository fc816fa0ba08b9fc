"""What validation and the database refuse, as errors about fields that this user may hear of.

No value, constraint name or text of the server gets through: the kind of the error is told by its
class, the field by the model's own names.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from oxyde import (
    CheckViolationError,
    DatabaseError,
    DataError,
    ForeignKeyViolationError,
    IntegrityError,
    NotNullViolationError,
    UniqueViolationError,
)

from ..exceptions import AdminError, ConflictError, ErrorEntry, InvalidDataError
from ..problems import entries_of

if TYPE_CHECKING:
    from ..options.resource import Resource
    from ..security.rights import Rights

__all__ = ["about", "entries", "named", "placed", "refusals"]

GENERAL = "The data is not valid."
_WORDS: tuple[tuple[type[IntegrityError], str, str], ...] = (
    (UniqueViolationError, "unique", "This value is taken."),
    (ForeignKeyViolationError, "reference", "This refers to a record that does not exist."),
    (CheckViolationError, "check", "A rule of the database refuses this value."),
)
_QUALIFIED = re.compile(r"([A-Za-z_]\w*)\.([A-Za-z_]\w*)")


def about(kind: str, loc: Iterable[str | int], text: str, **ctx: Any) -> ErrorEntry:
    """One entry; `loc` without parts is about the whole."""
    entry: ErrorEntry = {"type": kind, "loc": list(loc), "msg": text}
    if ctx:
        entry["ctx"] = ctx
    return entry


def named(names: Iterable[str], hidden: Collection[str], kind: str, text: str) -> list[ErrorEntry]:
    """Entries about fields; what concerns a hidden one is about the whole and says no more."""
    known = list(names)
    if not known or any(name in hidden for name in known):
        return [about(kind if not known else "invalid", (), text if not known else GENERAL)]
    return [about(kind, (name,), text) for name in known]


def placed(error: AdminError, *front: str | int) -> AdminError:
    """The same error with its entries further in."""
    error.errors = [{**entry, "loc": [*front, *entry.get("loc", [])]} for entry in error.errors]
    return error


# --- validation --------------------------------------------------------------------------------


def entries(
    error: ValidationError,
    resource: Resource,
    hidden: Collection[str],
    sent_as: Mapping[str, str] | None = None,
) -> list[ErrorEntry]:
    """What Pydantic says, without values. `sent_as`: id fields by the relation they were sent as."""
    names = _input_names(resource)
    found: list[ErrorEntry] = []
    for entry in entries_of(error):
        first, *rest = entry["loc"] or [""]
        name = names.get(str(first))
        if name is None or name in hidden:
            secret = bool(entry["loc"]) or _mentions(entry["msg"], hidden)
            told = about("invalid", (), GENERAL) if secret else about(entry["type"], (), entry["msg"])
        else:
            told = {**entry, "loc": [(sent_as or {}).get(name, name), *rest]}
        if told not in found:
            found.append(told)
    return found


def _input_names(resource: Resource) -> dict[str, str]:
    """Field names by every name that Pydantic may use for them."""
    names: dict[str, str] = {}
    for name, info in resource.model.model_fields.items():
        for alias in (info.alias, info.validation_alias):
            if isinstance(alias, str):
                names[alias] = name
    return {**names, **{name: name for name in resource.model.model_fields}}


def _mentions(text: str, names: Collection[str]) -> bool:
    return any(re.search(rf"\b{re.escape(name)}\b", text) for name in names)


# --- the database --------------------------------------------------------------------------------


@asynccontextmanager
async def refusals(rights: Rights, *, deleting: bool = False) -> AsyncIterator[None]:
    """What hooks, validation and the database refuse inside the block, as this user may hear it.

    `rights.ctx.changes` are the values being written: a text that is too long for its column is found
    among them.
    """
    resource = rights.resource
    try:
        yield
    except AdminError as error:
        error.errors = _withheld(error.errors, await rights.hidden())
        raise
    except ValidationError as error:  # of what a hook has set
        if error.title != resource.model.__name__:
            raise
        raise InvalidDataError(errors=entries(error, resource, await rights.hidden())) from error
    except IntegrityError as error:
        raise _conflict(error, resource, await rights.hidden(), deleting) from error
    except DataError as error:
        raise _unfit(error, resource, await rights.hidden(), rights.ctx.changes) from error


def _withheld(told: Iterable[ErrorEntry], hidden: Collection[str]) -> list[ErrorEntry]:
    """The entries without the names of hidden fields, which hooks do not know to be hidden."""
    found: list[ErrorEntry] = []
    for entry in told:
        loc = entry.get("loc") or []
        secret = bool(loc) and loc[0] in hidden
        shown: ErrorEntry = {**entry, **about("invalid", (), GENERAL)} if secret else entry
        if secret:
            shown.pop("ctx", None)
        found.append(shown)
    return found


def _conflict(
    error: IntegrityError, resource: Resource, hidden: Collection[str], deleting: bool
) -> AdminError:
    if deleting and isinstance(error, ForeignKeyViolationError):
        return ConflictError("Other records still refer to this one.", code="protected")
    names = _fields_of(error, resource)
    if isinstance(error, NotNullViolationError):
        return InvalidDataError(errors=named(names, hidden, "missing", "A value is required."))
    kind, text = next(
        ((kind, text) for cls, kind, text in _WORDS if isinstance(error, cls)),
        ("conflict", ConflictError.detail),
    )
    return ConflictError(errors=named(names, hidden, kind, text))


def _unfit(
    error: DataError, resource: Resource, hidden: Collection[str], values: Mapping[str, Any]
) -> InvalidDataError:
    columns = resource.model._db_meta.columns
    spoken = _QUALIFIED.match(str(error))
    if error.column is not None:
        names = _by_columns([error.column], resource)
    elif spoken and spoken[1] == resource.model.__name__ and spoken[2] in columns:
        names = [spoken[2]]
    else:
        names = [
            name for name, value in values.items() if name in columns and _too_long(columns[name], value)
        ]
    text = "The column cannot hold this value."
    return InvalidDataError(errors=named(names, hidden, "out_of_range", text))


def _too_long(column: Any, value: Any) -> bool:
    kind = column.column_type
    return kind.kind == "string" and isinstance(value, str) and len(value) > (kind.size or 255)


def _fields_of(error: DatabaseError, resource: Resource) -> list[str]:
    """The fields that a broken constraint is about; none if the model does not declare it."""
    meta = resource.model._db_meta
    if error.table is not None and error.table != meta.table_name:
        return []
    if error.column is not None:
        return _by_columns([error.column], resource)
    if error.constraint is not None:
        return _by_constraint(error.constraint, resource)
    found = [column for table, column in _QUALIFIED.findall(str(error)) if table == meta.table_name]
    return _by_columns(found, resource)


def _by_columns(columns: Iterable[str], resource: Resource) -> list[str]:
    fields = {column.db_column: name for name, column in resource.model._db_meta.columns.items()}
    return [fields[column] for column in columns if column in fields]


def _by_constraint(constraint: str, resource: Resource) -> list[str]:
    """The fields of a constraint by the names that migrations give them (MySQL: also the column's)."""
    meta = resource.model._db_meta
    table = meta.table_name
    if constraint in ("PRIMARY", f"{table}_pkey"):
        return list(meta.pk_fields)
    for name, column in meta.columns.items():
        own = (column.db_column, f"{table}_{column.db_column}_key", f"fk_{table}_{column.db_column}")
        if constraint in (*own, column.index_name):
            return [name]
    groups = [(f"{table}_{{}}_key", None, group) for group in meta.unique_together]
    groups += [(f"{table}_{{}}_idx", index.name, tuple(index.fields)) for index in meta.indexes]
    for pattern, given, group in groups:
        fields = [field for item in group for field in meta.fields_of(item)]
        columns = "_".join(meta.columns[field].db_column for field in fields)
        if constraint in (given, pattern.format(columns)):
            return fields
    return []
