"""What changed between two states of a record, as history keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..values.encode import encode, encode_plain

if TYPE_CHECKING:
    from ..options.resource import AdminField, Resource

__all__ = ["changes", "link_changes", "state"]


def state(resource: Resource, obj: Any) -> dict[str, Any]:
    """The stored columns of an instance (or of values by name) as JSON, by field name.

    Take it before a write: instances change in place. Of bytes their number is kept. Secrets and
    fields that nobody may see are marked as set, by a value that says nothing.
    """
    held: Mapping[str, Any] = obj if isinstance(obj, Mapping) else vars(obj)
    return {
        field.name: _kept(field, held[field.name])
        for field in resource.fields.values()
        if field.shape == "column" and field.name in held
    }


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, list[Any]]:
    """`{field: [old, new]}` of two states; None is that of a record that does not exist."""
    old, new = before or {}, after or {}
    names = [*new, *(name for name in old if name not in new)]
    return {
        name: [_shown(old.get(name)), _shown(new.get(name))]
        for name in names
        if not _equal(old.get(name), new.get(name))
    }


def link_changes(added: Iterable[Any], removed: Iterable[Any]) -> list[list[Any]]:
    """The entry of a many-to-many relation: the keys of the targets that it lost, and that it got."""
    return [[encode_plain(key) for key in removed], [encode_plain(key) for key in added]]


class _Withheld:
    """A value that is compared and never shown."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _kept(field: AdminField, value: Any) -> Any:
    if value is None:
        return None
    if field.secret or field.excluded:
        return _Withheld(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _Bytes(value)
    return encode(value, field)


class _Bytes(_Withheld):
    """Bytes, of which the number is shown."""


def _shown(value: Any) -> Any:
    if isinstance(value, _Bytes):
        return {"bytes": len(value.value)}
    return None if isinstance(value, _Withheld) else value


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, _Withheld) and isinstance(other, _Withheld):
        return bool(one.value == other.value)
    return type(one) is type(other) and bool(one == other)
