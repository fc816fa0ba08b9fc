"""A row as JSON: the one way by which stored values leave the panel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .encode import encode

if TYPE_CHECKING:
    from ..options.resource import AdminField, Resource

__all__ = ["is_blob", "record"]


def record(
    resource: Resource,
    obj: Any,
    visible: Iterable[AdminField],
    *,
    nested: Mapping[str, Any] | None = None,
    blobs: bool = True,
) -> dict[str, Any]:
    """The visible fields of `obj` (an instance, or values by field name) in model order.

    `nested` holds what is JSON already and was fetched apart: lists of m2m targets and computed
    values, by field name; an m2m or computed field that is not in it is left out. Foreign keys are
    null, their ids stand under the id fields. `blobs=False` leaves bytes out, as lists do. A field
    that `obj` does not hold is left out.
    """
    held: Mapping[str, Any] = obj if isinstance(obj, Mapping) else vars(obj)
    nested = nested or {}
    answer: dict[str, Any] = {}
    for field in visible:
        if field.name in nested:
            answer[field.name] = nested[field.name]
        elif field.shape == "foreign_key":
            answer[field.name] = None
        elif field.shape == "column" and field.name in held and (blobs or not is_blob(field)):
            answer[field.name] = encode(held[field.name], field)
    return answer


def is_blob(field: AdminField) -> bool:
    """Whether the field holds bytes, which lists leave out."""
    if field.kind == "array":
        return bool(field.column.column_type.elem == "blob")
    return field.kind == "blob"
