"""The version field: what it holds after a write."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..options.resource import Resource

__all__ = ["next_version"]

_TICK = timedelta(microseconds=1)


def next_version(resource: Resource, before: Any, now: Any) -> Any:
    """What the version field is to hold: what a hook has given it, else something new.

    An integer goes up by one. A timestamp becomes the present, and is later than before even if the
    clock is not.
    """
    if now != before:
        return now
    name = resource.admin.version_field
    assert name is not None
    if resource.fields[name].kind == "big_integer":
        return (before or 0) + 1
    present = datetime.now(timezone.utc)
    if resource.fields[name].kind != "date_time_utc":
        present = present.replace(tzinfo=None)
    if before is None:
        return present
    if (before.tzinfo is None) != (present.tzinfo is None):
        present = present.replace(tzinfo=before.tzinfo and timezone.utc)
    return max(present, before + _TICK)
