"""One record by its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oxyde.exceptions import FieldLookupError
from oxyde.models.unchecked import unchecked

from ..exceptions import InvalidParameterError, RecordNotFoundError
from ..values.etag import etag
from ..values.keys import Key, key_of_text
from ..values.records import record
from .columns import columns_of
from .computed import computed
from .links import MOST_LINKS, linked
from .reading import read

if TYPE_CHECKING:
    from ..security.rights import Rights

__all__ = ["Shown", "by_key", "narrowed", "one", "shown"]


@dataclass(slots=True)
class Shown:
    """A record as it leaves: its JSON, its tag, and which m2m lists were cut."""

    record: dict[str, Any]
    etag: str
    truncated: list[str] = field(default_factory=list)


async def one(rights: Rights, key_text: str, *, client: Any = None, lock: bool = False) -> Any:
    """The record that a path names, as an instance whose values nobody validated.

    `lock` keeps others from changing it until the transaction ends. RecordNotFoundError for what
    is absent, outside of the user's rows or no key.
    """
    return await by_key(rights, key_of_text(rights.resource, key_text), client=client, lock=lock)


async def by_key(rights: Rights, key: Key, *, client: Any = None, lock: bool = False) -> Any:
    """The same by the values of the key."""
    resource = rights.resource
    query = narrowed(await rights.rows(client), rights, key).limit(1)
    try:
        rows = await read(query.for_update() if lock else query, columns_of(resource), resource.on(client))
    except InvalidParameterError as error:  # a number that no column of this size holds
        raise RecordNotFoundError from error
    if not rows:
        raise RecordNotFoundError
    return unchecked(resource.model, rows[0])


def narrowed(query: Any, rights: Rights, key: Key) -> Any:
    """The query narrowed to one key. RecordNotFoundError for what no key can be."""
    try:
        return query.filter(**dict(zip(rights.resource.keys, key, strict=True)))
    except FieldLookupError as error:
        raise RecordNotFoundError from error


async def shown(rights: Rights, obj: Any, *, client: Any = None) -> Shown:
    """An instance as JSON with its m2m lists and computed values, and its tag."""
    resource, visible = rights.resource, await rights.visible()
    links = await linked(rights, [vars(obj)], visible, MOST_LINKS, client=client)
    columns = resource.form_columns()
    names = {*columns, *(item.name for item in visible if item.shape == "computed")}
    nested = {**links.of(0), **await computed(rights, obj, visible, names)}
    return Shown(
        record(resource, obj, visible, nested=nested) | {name: nested[name] for name in columns},
        etag(resource, obj, visible, links.keys_of(0)),
        sorted(links.truncated),
    )
