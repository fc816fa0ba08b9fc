"""All rows of a query, chunk by chunk by their position: none twice, none missing, no OFFSET."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from .reading import read

if TYPE_CHECKING:
    from ..options.resource import AdminField
    from ..security.rights import Rights
    from .positions import Order

__all__ = ["walk"]


async def walk(
    rights: Rights, query: Any, order: Order, columns: Mapping[str, AdminField], size: int
) -> AsyncIterator[list[dict[str, Any]]]:
    """Chunks of at most `size` rows as values by field name, in the order.

    Without a key no row has a position of its own: such a model is read in one stream.
    """
    if not rights.resource.keys:
        async for chunk in _streamed(rights, order.of(query), columns, size):
            yield chunk
        return
    wanted = {**columns, **order.fields}
    segments = [query]
    while segments:
        rows = await read(order.of(segments[0]).limit(size), wanted, rights.resource.on(), order.extra)
        if rows:
            yield rows
        if len(rows) == size:
            # A position in the last segment has the segments behind it only.
            segments = [query.filter(condition) for condition in order.after(order.place(rows[-1]))]
        else:
            segments = segments[1:]


async def _streamed(
    rights: Rights, query: Any, columns: Mapping[str, AdminField], size: int
) -> AsyncIterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    async for row in query.values(*columns).iterator(chunk_size=size, **rights.resource.on()):
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
