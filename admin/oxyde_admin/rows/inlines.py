"""The rows of an inline: those of another model that belong to one record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..exceptions import AdminError
from .lists import Page, page

if TYPE_CHECKING:
    from ..security.rights import Rights
    from .filters import Arguments

__all__ = ["inline_page", "of_parent"]


async def inline_page(rights: Rights, parent: Any, name: str, arguments: Arguments) -> Page:
    """A page of the inline `name` of a record, with tags. 404 if there is none for this user."""
    inline = rights.resource.inlines.get(name)
    child = None if inline is None else rights.of_resource(inline.resource)
    if inline is None or child is None or not await child.allows("view"):
        raise AdminError("There is no such inline.", status=404, code="unknown_path")
    if inline.fk in await child.hidden():
        raise AdminError("There is no such inline.", status=404, code="unknown_path")
    return await page(child, arguments, within=of_parent(parent, child, inline.fk), etags=True)


def of_parent(parent: Any, child: Rights, fk: str) -> dict[str, Any]:
    """The id fields of the inline's foreign key and their values for this parent."""
    key = child.resource.model._db_meta.foreign_keys[fk]
    return {name: getattr(parent, reference) for name, reference in zip(key.ids, key.references, strict=True)}
