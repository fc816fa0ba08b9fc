"""Limits of reading calls: no statement of theirs runs longer than the panel's `query_timeout`.

A reading call runs in a read-only transaction on each database it reads, because that is where a
limit can be set for the server itself to enforce. Rows, count and labels of a list then also come
from one state of the data where the server takes snapshots. Writing calls open transactions of their
own, with the same limit, in `writes`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from oxyde import atomic

if TYPE_CHECKING:
    from ..options.resource import Resource
    from ..site import AdminSite
    from .call import Route

__all__ = ["limited"]


@asynccontextmanager
async def limited(site: AdminSite, route: Route, params: Mapping[str, str]) -> AsyncIterator[None]:
    """Within it, statements on the databases that `route` reads are limited."""
    async with AsyncExitStack() as stack:
        for alias in sorted(_aliases(site, route, params)):
            limit = site.settings.query_timeout
            await stack.enter_async_context(atomic(using=alias, readonly=True, statement_timeout=limit))
        yield


def _aliases(site: AdminSite, route: Route, params: Mapping[str, str]) -> set[str]:
    if route.reads == "model":
        resource = site.resource(params["m"])
        return {known.alias() for known in (resource, *_targets(site, resource))}
    if route.reads == "all":
        return {resource.alias() for resource in site.registry.resources()}
    return set()


def _targets(site: AdminSite, resource: Resource) -> Iterable[Resource]:
    """The registered models whose labels an answer may hold."""
    related: set[type[Any]] = {item.target for item in resource.fields.values() if item.target is not None}
    found = (site.registry.resource_of(model) for model in related)
    return [target for target in found if target is not None]
