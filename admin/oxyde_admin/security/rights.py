"""What one user may see and do with one model during one request (contract, section 9).

Every answer is computed once per call. Without `view` the model does not exist: `require` raises
ModelNotFoundError; any other refused action raises PermissionDeniedError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..options.context import AdminContext
    from ..options.resource import AdminField, Resource

__all__ = ["Rights"]


class Rights:
    """The rights of `ctx.user` on `resource`."""

    resource: Resource
    ctx: AdminContext

    async def allows(self, action: str, record: Any = None) -> bool:
        """Whether permissions, `access` and `can` all allow the action (on this record)."""
        raise NotImplementedError

    async def require(self, action: str, record: Any = None) -> None:
        """Raises unless the action is allowed."""
        raise NotImplementedError

    async def actions(self, record: Any = None) -> list[str]:
        """All allowed actions, the built-in ones first."""
        raise NotImplementedError

    async def hidden(self) -> frozenset[str]:
        """Names of the fields (relations and their id fields alike) that must never leave."""
        raise NotImplementedError

    async def readonly(self, record: Any = None) -> frozenset[str]:
        """Names of the fields that this user may not write in `record`, in a new one if None."""
        raise NotImplementedError

    async def visible(self) -> list[AdminField]:
        """The fields that are not hidden, in model order."""
        raise NotImplementedError

    async def rows(self, client: Any = None) -> Any:
        """The query of the rows that exist for this user, on `client` or the resource's alias."""
        raise NotImplementedError
