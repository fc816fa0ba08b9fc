"""Export: which rows, which columns, and the stream of the file (contract, 7.6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from oxyde import atomic
from oxyde.models.unchecked import unchecked

from .. import audit
from ..exceptions import ExportTooLargeError, InvalidParameterError, PermissionDeniedError
from ..options.model_admin import overrides
from ..rows.among import among
from ..rows.columns import columns_of
from ..rows.computed import computed
from ..rows.filters import narrow
from ..rows.links import Linked, linked
from ..rows.lists import order_of
from ..rows.walk import walk
from ..values.keys import key_of_item, split
from ..values.records import is_blob, record
from .cells import Cell, cell, link_cell
from .formats import FORMATS, Format, Row

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from ..http.call import Call
    from ..options.resource import AdminField
    from ..rows.positions import Order
    from ..security.rights import Rights

__all__ = ["ARGUMENTS", "Export", "prepare"]

ARGUMENTS = frozenset({"format", "columns", "ids", "ordering", "search", "bom"})
"""The parameters that are no filters."""

EVERY_LINK = 2**31
SLICE = 250
"""Rows that are written at once, in a thread."""
BLOB_CHUNK = 50
"""Rows of which at once all bytes are held."""


@dataclass(slots=True)
class Export:
    """An export that may begin: it is allowed, and not too large."""

    filename: str
    media_type: str
    body: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What leaves: fields in their order, computed columns after them."""

    rights: Rights
    visible: Sequence[AdminField]
    fields: Sequence[AdminField]
    computed: Sequence[str]
    names: Sequence[str]

    @property
    def computes(self) -> bool:
        return bool(self.computed) or any(field.shape == "computed" for field in self.fields)

    def loaded(self) -> dict[str, AdminField]:
        """The columns to read."""
        resource = self.rights.resource
        if self.computes:
            return {
                name: field
                for name, field in columns_of(resource).items()
                if not is_blob(field) or field in self.fields
            }
        ends = [here for field in self.fields if field.shape == "many_to_many" for here, _ in field.link.near]
        return columns_of(resource, [*(field.name for field in self.fields), *ends])


async def prepare(call: Call, rights: Rights) -> Export:
    """Checks everything that can be refused, and hands out the stream."""
    kind = call.argument("format") or "csv"
    if kind not in FORMATS:
        raise InvalidParameterError("format is csv, json or xlsx.")
    plan = await _plan(rights, call, cells=FORMATS[kind].cells)
    async with _reading(rights):
        query = await _query(call, rights)
        order = await order_of(rights, call.argument("ordering") or None)
        count = await _count(call, rights, query, FORMATS[kind].most_rows)
        if overrides(rights.resource.admin, "can"):
            await _require_each(rights, query, order, call.site.settings.export_chunk_size)
    chunks = walk(rights, query, order, plan.loaded(), _chunk_size(call, plan))
    slug = rights.resource.slug
    written = FORMATS[kind](slug, plan.names, bom=call.argument("bom") == "1")
    facts = {"format": kind, "rows": count}
    await audit.entry(call.site, rights.ctx, "export", rights.resource, changes=facts)
    return Export(f"{slug}.{kind}", written.media_type, _stream(plan, written, chunks))


async def _plan(rights: Rights, call: Call, *, cells: bool) -> _Plan:
    """The fields that were named, else all that are visible."""
    visible = await rights.visible()
    by_name = {field.name: field for field in visible}
    asked = call.argument("columns")
    chosen: dict[str, AdminField] = {}
    methods: list[str] = []
    for name in split(asked) if asked else by_name:
        field = by_name.get(rights.resource.name_of(name) or "")
        if field is not None:
            # A table has no cell for a relation: its ids stand in its place.
            parts = field.ids if cells and field.shape == "foreign_key" else (field.name,)
            chosen |= {part: by_name[part] for part in parts if part not in chosen}
        elif name in rights.resource.computed:
            methods.append(name)
        else:
            raise InvalidParameterError("A column cannot be exported.")
    methods = list(dict.fromkeys(methods))
    return _Plan(rights, visible, list(chosen.values()), methods, [*chosen, *methods])


async def _query(call: Call, rights: Rights) -> Any:
    query = await rights.rows()
    chosen = [value for name, value in call.arguments if name == "ids"]
    if chosen:
        if not rights.resource.keys:
            raise InvalidParameterError("Records of this model have no keys to choose by.")
        items = [item for given in chosen for item in split(given)]
        keys = list(dict.fromkeys(key_of_item(rights.resource, item) for item in items))
        query = among(query, rights.resource.keys, keys)
    filters = [(name, value) for name, value in call.arguments if name not in ARGUMENTS]
    search = call.argument("search") or None
    narrowed, _ = await narrow(query, rights, filters, search=search, refuse=True)
    return narrowed


async def _count(call: Call, rights: Rights, query: Any, format_limit: int | None) -> int:
    most = call.site.settings.max_export_rows
    if format_limit is not None:
        most = min(most, format_limit)
    count: int = await query.order_by().limit(most + 1).count(**rights.resource.on())
    if count > most:
        raise ExportTooLargeError
    return count


def _chunk_size(call: Call, plan: _Plan) -> int:
    size = call.site.settings.export_chunk_size
    return min(size, BLOB_CHUNK) if any(map(is_blob, plan.fields)) else size


async def _require_each(rights: Rights, query: Any, order: Order, size: int) -> None:
    """One refused record refuses the export, before its first byte."""
    resource = rights.resource
    columns = {name: field for name, field in columns_of(resource).items() if not is_blob(field)}
    async for rows in walk(rights, query, order, columns, size):
        for row in rows:
            if not await rights.allows("export", unchecked(resource.model, row)):
                raise PermissionDeniedError


async def _stream(
    plan: _Plan, written: Format, chunks: AsyncIterator[list[dict[str, Any]]]
) -> AsyncIterator[bytes]:
    """The file. Writing and compressing happen in a thread: the loop has other requests."""
    yield await asyncio.to_thread(written.begin)
    while chunk := await _next(plan, chunks):
        for start in range(0, len(chunk), SLICE):
            values = chunk[start : start + SLICE]
            async with _reading(plan.rights):
                links = await linked(plan.rights, values, plan.visible, EVERY_LINK, names=_relations(plan))
                nested = [await _nested(plan, row, links, index) for index, row in enumerate(values)]
            data = await asyncio.to_thread(partial(_written, plan, written, values, nested))
            if data:
                yield data
    yield await asyncio.to_thread(written.end)


async def _next(plan: _Plan, chunks: AsyncIterator[list[dict[str, Any]]]) -> list[dict[str, Any]] | None:
    if not plan.rights.resource.keys:
        # One statement for all chunks, which would end with a transaction.
        return await anext(chunks, None)
    async with _reading(plan.rights):
        return await anext(chunks, None)


def _reading(rights: Rights) -> AbstractAsyncContextManager[Any]:
    """A transaction for each step: only there a server can be told how long a statement may take, and
    one around the whole file would lie open for as long as somebody downloads."""
    return atomic(
        using=rights.resource.alias(), readonly=True, statement_timeout=rights.site.settings.query_timeout
    )


def _relations(plan: _Plan) -> list[str]:
    return [field.name for field in plan.fields if field.shape == "many_to_many"]


async def _nested(plan: _Plan, row: dict[str, Any], links: Linked, index: int) -> dict[str, Any]:
    nested = links.of(index)
    if plan.computes:
        names = {*plan.computed, *(field.name for field in plan.fields)}
        made = unchecked(plan.rights.resource.model, row)
        nested |= await computed(plan.rights, made, plan.fields, names)
    return nested


def _written(
    plan: _Plan, written: Format, values: Sequence[dict[str, Any]], nested: Sequence[dict[str, Any]]
) -> bytes:
    make = _as_cells if written.cells else _as_record
    return written.rows([make(plan, row, extra) for row, extra in zip(values, nested, strict=True)])


def _as_record(plan: _Plan, row: dict[str, Any], nested: dict[str, Any]) -> Row:
    made = record(plan.rights.resource, row, plan.fields, nested=nested)
    return made | {name: nested[name] for name in plan.computed}, []


def _as_cells(plan: _Plan, row: dict[str, Any], nested: dict[str, Any]) -> Row:
    cells: list[Cell] = []
    for field in plan.fields:
        if field.shape == "many_to_many" and field.target is not None:
            cells.append(link_cell(nested[field.name], field.target._db_meta.pk_fields))
        elif field.name in nested:
            cells.append(cell(nested[field.name], None))
        else:
            cells.append(cell(row[field.name], field))
    return {}, [*cells, *(cell(nested[name], None) for name in plan.computed)]
