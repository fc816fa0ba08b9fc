"""Which database a resource lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oxyde.db import get_connection

if TYPE_CHECKING:
    from ..options.resource import Resource

__all__ = ["backend_of"]


async def backend_of(resource: Resource, client: Any = None) -> str:
    """`sqlite`, `postgres` or `mysql`."""
    if client is not None and hasattr(client, "backend"):
        return str(client.backend)
    return (await get_connection(resource.alias())).backend
