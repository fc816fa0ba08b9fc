"""What a write leaves in the history: the fields it changed, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import audit
from .links import Linked

if TYPE_CHECKING:
    from ..security.rights import Rights

__all__ = ["label", "state", "written"]


def state(rights: Rights, record: Any) -> dict[str, Any]:
    """What history compares; taken before a write, since instances change in place."""
    return audit.state(rights.resource, record)


async def written(
    rights: Rights,
    action: str,
    record: Any,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    links: Mapping[str, Linked] | None = None,
) -> None:
    """One entry about one record, in the open transaction."""
    changes: dict[str, Any] = dict(audit.changes(before, after))
    for name, linked in (links or {}).items():
        if linked.added or linked.removed:
            changes[name] = audit.link_changes(_keys(linked.added), _keys(linked.removed))
    resource = rights.resource
    label_field, text = await label(rights, record)
    await audit.entry(
        rights.site,
        rights.ctx,
        action,
        resource,
        key=resource.key_of(record) or None,
        label=text,
        label_field=label_field,
        changes=changes,
    )


async def label(rights: Rights, record: Any) -> tuple[str | None, str]:
    """The field that stands for the record, if it is one of its own, and its text.

    History keeps both: whoever may not see the field is not shown the text.
    """
    name = await rights.display()
    value = vars(record).get(name) if name is not None else None
    return name, value if isinstance(value, str) else ""


def _keys(keys: list[tuple[Any, ...]]) -> list[Any]:
    return [key[0] if len(key) == 1 else list(key) for key in keys]
