"""A page of a list (contract, 7.1): its query, its rows as JSON, its neighbours, its total."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from oxyde.models.unchecked import unchecked

from ..exceptions import InvalidParameterError, RecordNotFoundError
from ..options.model_admin import overrides
from ..values.etag import etag
from ..values.keys import key_of_text, key_to_text
from ..values.records import is_blob, record
from .among import among
from .asked import Asked
from .columns import columns_of
from .computed import computed
from .counts import bounded
from .filters import narrow
from .labels import fk_labels
from .links import LISTED_LINKS, linked
from .ordering import terms_of
from .positions import Order, Position
from .reading import read
from .where import backend_of

if TYPE_CHECKING:
    from ..options.resource import AdminField
    from ..security.rights import Rights
    from .filters import Arguments

__all__ = ["Page", "order_of", "page"]


@dataclass(slots=True)
class Page:
    """A page of a list. `etags` are the tags of the records by their key as text, if asked for."""

    items: list[dict[str, Any]]
    total: int | None
    page: int
    per_page: int
    fk_labels: dict[str, dict[str, str]]
    total_exact: bool
    next: str | None
    prev: str | None
    ignored: list[str]
    truncated: list[str]
    etags: dict[str, str]

    def content(self) -> dict[str, Any]:
        """The body of the answer."""
        return {
            "items": self.items,
            "total": self.total,
            "page": self.page,
            "per_page": self.per_page,
            "fk_labels": self.fk_labels,
            "total_exact": self.total_exact,
            "next": self.next,
            "prev": self.prev,
            "ignored": self.ignored,
        }


async def order_of(rights: Rights, ordering: str | None, client: Any = None) -> Order:
    """The order of a list."""
    backend = await backend_of(rights.resource, client)
    terms = await terms_of(rights, ordering)
    return Order(
        rights.resource.slug,
        tuple(terms),
        nulls_first=backend != "postgres",
        enums_as_text=backend == "mysql",
    )


async def page(
    rights: Rights,
    arguments: Arguments,
    *,
    within: Mapping[str, Any] | None = None,
    etags: bool = False,
) -> Page:
    """The page that was asked for. `within` are lookups that all rows must fulfil besides.

    With `etags` the tags of the records are made too, which takes all their fields.
    """
    settings, resource = rights.site.settings, rights.resource
    asked = Asked.of(arguments, settings.per_page)
    if (asked.page - 1) * asked.per_page > settings.max_offset:
        raise InvalidParameterError("This page lies too deep; go on from page to page.", code="too_many")
    visible = await rights.visible()
    order = await order_of(rights, asked.ordering)
    base = (await rights.rows()).filter(**(within or {}))
    query, ignored = await narrow(base, rights, asked.filters, search=asked.search)
    whole = not (within or asked.search or overrides(resource.admin, "query")) and not any(
        value for name, value in asked.filters if name not in ignored
    )

    shown = _shown(rights, visible, asked.fields)
    window = _Window(rights, order, asked, _loaded(rights, visible, shown, etags))
    await window.load(query)
    total, exact = await bounded(
        query, settings.count_limit, asked.count, on=resource.on(), statistic=resource if whole else None
    )
    drawn = await _draw(rights, visible, shown, window.rows, etags)
    relations = [item for item in visible if item.shape == "foreign_key" and not shown.isdisjoint(item.ids)]
    return Page(
        items=drawn.items,
        total=total,
        page=asked.page,
        per_page=asked.per_page,
        fk_labels=await fk_labels(rights, relations, window.rows),
        total_exact=exact,
        next=window.next,
        prev=window.prev,
        ignored=ignored,
        truncated=drawn.truncated,
        etags=drawn.etags,
    )


def _shown(rights: Rights, visible: Sequence[AdminField], names: Iterable[str] | None) -> set[str]:
    """The names of the fields and columns that the items have; unknown ones do not count."""
    resource = rights.resource
    everything = [item.name for item in visible if item.shape == "computed" or not _is_bytes(item)]
    if names is None:
        return {*everything, *(name for name in resource.computed if name in resource.listed)}
    everything += list(resource.computed)
    wanted = {resource.name_of(name) or name for name in names}
    for item in visible:
        if item.name in wanted:
            wanted.update(item.ids)
    return (wanted & set(everything)) | set(resource.keys)


def _is_bytes(item: AdminField) -> bool:
    return item.shape == "column" and is_blob(item)


def _loaded(
    rights: Rights, visible: Iterable[AdminField], shown: set[str], everything: bool
) -> dict[str, AdminField]:
    """The columns to read: those shown, all that something computed may want, the ends of links."""
    resource = rights.resource
    names = {item.name for item in visible if item.shape == "computed"} | set(resource.computed)
    columns = columns_of(resource)
    if everything:
        return columns
    if shown & names:
        return {name: item for name, item in columns.items() if not is_blob(item)}
    ends = {
        here
        for item in visible
        if item.shape == "many_to_many" and item.name in shown
        for here, _ in item.link.near
    }
    return columns_of(resource, shown | ends)


class _Window:
    """The rows of a page and the way to its neighbours."""

    def __init__(self, rights: Rights, order: Order, asked: Asked, columns: Mapping[str, AdminField]) -> None:
        self.rows: list[dict[str, Any]] = []
        self.next: str | None = None
        self.prev: str | None = None
        self._rights = rights
        self._resource = rights.resource
        self._order = order
        self._asked = asked
        self._columns = {**columns, **order.fields}

    async def load(self, query: Any) -> None:
        """Reads the rows: one more than the page holds, to know whether there are more."""
        if not self._resource.keys and (self._asked.after or self._asked.before):
            raise InvalidParameterError("The cursor cannot be used.")
        if self._asked.before:
            await self._before(query, self._asked.before)
        elif self._asked.after:
            await self._after(query, self._asked.after)
        else:
            await self._at_page(query)

    async def _at_page(self, query: Any) -> None:
        size, offset = self._asked.per_page, (self._asked.page - 1) * self._asked.per_page
        query = self._order.of(query)
        rows = await self._read(query.limit(size + 1) if not offset else query.offset(offset).limit(size + 1))
        self._take(rows[:size], more_before=offset > 0, more_after=len(rows) > size)

    async def _after(self, query: Any, cursor: str) -> None:
        position, size = await self._position(cursor), self._asked.per_page
        rows = await self._behind(query, self._order, position)
        self._take(rows[:size], more_before=True, more_after=len(rows) > size)

    async def _before(self, query: Any, cursor: str) -> None:
        position, size = await self._position(cursor), self._asked.per_page
        rows = await self._behind(query, self._order.reversed(), position)
        self._take(rows[:size][::-1], more_before=len(rows) > size, more_after=True)

    async def _position(self, cursor: str) -> Position:
        found = self._order.position(cursor)
        if not isinstance(found, str):
            return found
        try:
            key = key_of_text(self._resource, found)
        except RecordNotFoundError as error:
            raise InvalidParameterError("The cursor cannot be used.") from error
        rows = await self._read(among(await self._rights.rows(), self._resource.keys, [key]).limit(1))
        if not rows:
            raise InvalidParameterError("The cursor cannot be used: its record is gone.")
        return self._order.place(rows[0])

    async def _behind(self, query: Any, order: Order, position: tuple[Any, ...]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for segment in order.after(position):
            missing = self._asked.per_page + 1 - len(rows)
            if missing > 0:
                rows += await self._read(order.of(query.filter(segment)).limit(missing))
        return rows

    async def _read(self, query: Any) -> list[dict[str, Any]]:
        return await read(query, self._columns, self._resource.on(), self._order.extra)

    def _take(self, rows: list[dict[str, Any]], *, more_before: bool, more_after: bool) -> None:
        self.rows = rows
        if rows and self._resource.keys:
            self.next = self._cursor(rows[-1]) if more_after else None
            self.prev = self._cursor(rows[0]) if more_before else None

    def _cursor(self, row: Mapping[str, Any]) -> str:
        key = tuple(row[name] for name in self._resource.keys)
        return self._order.cursor(self._order.place(row), key_to_text(self._resource, key))


@dataclass(slots=True)
class _Drawn:
    items: list[dict[str, Any]]
    truncated: list[str]
    etags: dict[str, str]


async def _draw(
    rights: Rights,
    visible: Sequence[AdminField],
    shown: set[str],
    rows: Sequence[dict[str, Any]],
    etags: bool,
) -> _Drawn:
    """The rows as JSON."""
    resource = rights.resource
    links = await linked(rights, rows, visible, LISTED_LINKS, names=None if etags else shown)
    fields = [item for item in visible if item.name in shown]
    computes = any(item.shape == "computed" for item in fields) or not shown.isdisjoint(resource.computed)
    items: list[dict[str, Any]] = []
    tags: dict[str, str] = {}
    for index, row in enumerate(rows):
        nested = links.of(index)
        if computes:
            nested |= await computed(rights, unchecked(resource.model, row), fields, shown)
        item = record(resource, row, fields, nested=nested, blobs=False)
        item |= {name: nested[name] for name in resource.computed if name in nested}
        items.append(item)
        if etags:
            key = key_to_text(resource, tuple(row[name] for name in resource.keys))
            tags[key] = etag(resource, row, visible, links.keys_of(index))
    return _Drawn(items, sorted(links.truncated), tags)
