"""By which fields rows have an order that means something."""

from __future__ import annotations

from .resource import AdminField

__all__ = ["is_sortable"]

_WITHOUT_ORDER = frozenset({"array", "json", "json_binary", "blob"})


def is_sortable(field: AdminField) -> bool:
    """Whether a list may be sorted by the field; an order by secrets would tell about them."""
    if field.shape not in ("column", "foreign_key") or field.secret:
        return False
    return field.kind not in _WITHOUT_ORDER
