"""Computed values of a record: Pydantic's computed fields and `@column` methods."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from ..values.encode import encode_plain

if TYPE_CHECKING:
    from ..options.resource import AdminField
    from ..security.rights import Rights

__all__ = ["computed"]

log = logging.getLogger("oxyde_admin")


async def computed(
    rights: Rights, obj: Any, visible: Iterable[AdminField], names: Collection[str]
) -> dict[str, Any]:
    """Computed fields and columns of an instance as JSON, those in `names`.

    The instance may hold what its model rejects, and then its computations may fail: such a value
    is null and the log says why, since the record must be shown to be repaired.
    """
    found: dict[str, Any] = {}
    for field in visible:
        if field.shape == "computed" and field.name in names:
            try:
                found[field.name] = encode_plain(getattr(obj, field.name))
            except Exception:
                found[field.name] = None
                _log_failure(rights, field.name)
    for name, column in rights.resource.computed.items():
        if name in names:
            try:
                found[name] = encode_plain(await column.method(rights.ctx, obj))
            except Exception:
                found[name] = None
                _log_failure(rights, name)
    return found


def _log_failure(rights: Rights, name: str) -> None:
    model = rights.resource.model.__name__
    log.exception("request %s: %s.%s cannot be computed", rights.ctx.request_id, model, name)
