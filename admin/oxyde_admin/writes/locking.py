"""Optimistic locking: a write holds only if the record is still what its writer has read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..exceptions import AdminError, InvalidParameterError, StaleRecordError
from ..rows.find import shown
from .failures import about

if TYPE_CHECKING:
    from ..security.rights import Rights

__all__ = ["check", "matches"]

_TAG = re.compile(r'\s*(W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')


async def check(rights: Rights, record: Any, expected: str | None, client: Any) -> None:
    """Compares what `If-Match` says with a record that is locked.

    Raises 412 `stale` with the record as it is now, 428 `version_required` where nothing was said and
    the model wants it.
    """
    if expected is None:
        if rights.resource.admin.require_version:
            raise AdminError("Say with If-Match which version is meant.", status=428, code="version_required")
        return
    current = await shown(rights, record, client=client)
    if not matches(expected, current.etag):
        raise StaleRecordError(
            errors=[about("stale", (), StaleRecordError.detail)],
            headers={"ETag": current.etag},
            extra={"current": current.record},
        )


def matches(expected: str, current: str) -> bool:
    """Whether a list of tags holds this one, or `*`. Weak tags match nothing: they promise too little."""
    if expected.strip() == "*":
        return True
    position = 0
    while position < len(expected):
        found = _TAG.match(expected, position)
        if found is None:
            raise InvalidParameterError("If-Match cannot be read.")
        if found[1] is None and found[2] == current:
            return True
        position = found.end()
    return False
