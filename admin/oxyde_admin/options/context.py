"""What hooks, computed columns and actions are given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..auth import AdminUser, AuthRequest

__all__ = ["AdminContext"]


@dataclass(slots=True)
class AdminContext:
    """Who does what to which model.

    `client` is the open transaction, None while only reading. `changes` are the field names and
    values that a write sets. `request_id` is that of the answer's `X-Request-ID`.
    """

    user: AdminUser
    request: AuthRequest
    model: type[Any]
    action: str
    client: Any = None
    changes: dict[str, Any] = field(default_factory=dict)
    request_id: str = ""
