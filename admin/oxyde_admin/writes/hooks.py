"""The methods of a `ModelAdmin` that take part in writing."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..security.rights import Rights

__all__ = ["after_commit", "run"]

_log = logging.getLogger("oxyde_admin")


async def run(rights: Rights, name: str, *arguments: Any) -> Any:
    """Calls the hook of that name, if the `ModelAdmin` has one."""
    hook = getattr(rights.resource.admin, name, None)
    if hook is None:
        return None
    result = hook(rights.ctx, *arguments)
    return await result if inspect.isawaitable(result) else result


async def after_commit(rights: Rights) -> None:
    """Calls the hook that runs when the data is safe: what fails there is logged, not answered."""
    try:
        await run(rights, "after_commit")
    except Exception:
        _log.exception("after_commit of %s failed", rights.resource.slug)
