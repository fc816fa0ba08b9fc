"""Rows of inlines: records of another model that are written with the one they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..exceptions import (
    AdminError,
    ErrorEntry,
    InvalidDataError,
    InvalidParameterError,
    PermissionDeniedError,
)
from ..values.keys import key_of_json
from . import change as changing
from . import create as creating
from . import delete as deleting
from .failures import about, placed
from .locking import check
from .sent import INLINES
from .stored import locked
from .targets import GONE

if TYPE_CHECKING:
    from ..http.call import Call
    from ..options.inline import ResolvedInline
    from ..security.rights import Rights

__all__ = ["apply"]

DELETE, TAG = "_delete", "_etag"


async def apply(call: Call, rights: Rights, record: Any, given: Mapping[str, Any], client: Any) -> None:
    """Writes the rows of all inlines of a record that is written already.

    Rows that are wrong are told together; what the database refuses ends the transaction and is told
    at once.
    """
    errors: list[ErrorEntry] = []
    for name, rows in given.items():
        inline = rights.resource.inlines[name]
        for index, row in _listed(inline, rows):
            try:
                await _write(call, inline, record, row, client)
            except InvalidDataError as error:
                errors.extend(placed(error, INLINES, name, index).errors)
            except AdminError as error:
                raise placed(error, INLINES, name, index) from error
    if errors:
        raise InvalidDataError(errors=errors)


def _listed(inline: ResolvedInline, rows: Any) -> list[tuple[int, Mapping[str, Any]]]:
    loc = (INLINES, inline.name)
    if not isinstance(rows, list):
        raise InvalidDataError(errors=[about("list_type", loc, "A list of rows is expected.")])
    if len(rows) > inline.max:
        text = f"At most {inline.max} rows are written at once."
        raise InvalidDataError(errors=[about("too_long", loc, text, max_length=inline.max)])
    wrong = [index for index, row in enumerate(rows) if not isinstance(row, Mapping)]
    if wrong:
        text = "A row is an object."
        raise InvalidDataError(errors=[about("dict_type", (*loc, index), text) for index in wrong])
    return list(enumerate(rows))


async def _write(
    call: Call, inline: ResolvedInline, parent: Any, row: Mapping[str, Any], client: Any
) -> None:
    """Creates, changes or deletes one row, as its key and `_delete` say."""
    child = inline.resource
    owner = _owner(inline, parent)
    only = {part for name in inline.fields for part in (name, *child.fields[name].ids)}
    found = await _own(call, inline, owner, row, client)
    if row.get(DELETE, False) is not False:
        await _delete(call, inline, found, row, client)
    elif found is not None:
        rights = call.rights(child, "change")
        await _unchanged(rights, found, row, client)
        await changing.change(call, rights, found, row, client, only=only)
    elif _names_a_row(inline, row):
        raise InvalidDataError(GONE)
    else:
        rights = call.rights(child, "create")
        await creating.create(call, rights, row, client, fixed=owner, only=only | set(child.keys))


async def _delete(
    call: Call, inline: ResolvedInline, found: Any, row: Mapping[str, Any], client: Any
) -> None:
    if row[DELETE] is not True:
        raise InvalidDataError({DELETE: "This is true or false."})
    if not inline.can_delete:
        raise PermissionDeniedError
    if found is None:
        raise InvalidDataError(GONE)
    rights = call.rights(inline.resource, "delete")
    await _unchanged(rights, found, row, client)
    await deleting.delete(rights, found, client)


def _owner(inline: ResolvedInline, parent: Any) -> dict[str, Any]:
    """The id fields of a row that belongs to `parent`."""
    key = inline.resource.model._db_meta.foreign_keys[inline.fk]
    return {here: getattr(parent, there) for here, there in zip(key.ids, key.references, strict=True)}


def _key(inline: ResolvedInline, owner: Mapping[str, Any], row: Mapping[str, Any]) -> list[Any]:
    """The parts of the row's key; those that refer to the parent are known."""
    return [owner.get(name, row.get(name)) for name in inline.resource.keys]


async def _own(
    call: Call, inline: ResolvedInline, owner: Mapping[str, Any], row: Mapping[str, Any], client: Any
) -> Any:
    """The row of the parent that the key names, locked; None if there is none for this user."""
    parts = _key(inline, owner, row)
    if None in parts:
        return None
    try:
        key = key_of_json(inline.resource, parts[0] if len(parts) == 1 else parts)
    except InvalidParameterError:
        raise InvalidDataError("The key cannot be read.") from None
    for found in await locked(call.rights(inline.resource), [key], client):
        if all(getattr(found, name) == value for name, value in owner.items()):
            return found
    return None


def _names_a_row(inline: ResolvedInline, row: Mapping[str, Any]) -> bool:
    """Whether the row can only mean one that is there: its key is not for the user to choose."""
    child = inline.resource
    return any(child.fields[name].generated and row.get(name) is not None for name in child.keys)


async def _unchanged(rights: Rights, found: Any, row: Mapping[str, Any], client: Any) -> None:
    tag = row.get(TAG)
    if tag is not None and not isinstance(tag, str):
        raise InvalidDataError({TAG: "A tag is text."})
    await check(rights, found, tag, client)
