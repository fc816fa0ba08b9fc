"""Which columns of a model a reading needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..options.resource import AdminField, Resource

__all__ = ["columns_of"]


def columns_of(resource: Resource, names: Iterable[str] | None = None) -> dict[str, AdminField]:
    """The fields with columns of their own, all or those of `names` and the key, in model order."""
    wanted = None if names is None else {*names, *resource.keys}
    return {
        name: field
        for name, field in resource.fields.items()
        if field.shape == "column" and (wanted is None or name in wanted)
    }
