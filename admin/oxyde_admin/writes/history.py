"""What a write leaves in the history: the fields it changed, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import audit
from ..rows.labels import label_of
from .links import Linked

if TYPE_CHECKING:
    from ..security.rights import Rights

__all__ = ["Labelled", "label", "state", "written"]

Labelled = tuple[str | None, str]


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
    labelled: Labelled | None = None,
) -> None:
    """One entry about one record, in the open transaction.

    `labelled` is its `label`, for a record that can no longer be asked for it.
    """
    changes: dict[str, Any] = dict(audit.changes(before, after))
    for name, linked in (links or {}).items():
        if linked.added or linked.removed:
            changes[name] = audit.link_changes(_keys(linked.added), _keys(linked.removed))
    resource = rights.resource
    label_field, text = labelled or await label(rights, record)
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


async def label(rights: Rights, record: Any) -> Labelled:
    """The path that the record's label comes from, and the label.

    History keeps both: whoever may not see that field is not shown the text.
    """
    return await rights.display(), await label_of(rights, record, client=rights.ctx.client)


def _keys(keys: list[tuple[Any, ...]]) -> list[Any]:
    return [key[0] if len(key) == 1 else list(key) for key in keys]
