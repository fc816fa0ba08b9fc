"""One request on its way through the panel: what every route handler is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..exceptions import AdminError

if TYPE_CHECKING:
    from ..auth import AdminUser
    from ..options.resource import Resource
    from ..security.rights import Rights
    from ..site import AdminSite
    from .message import Request, Response

__all__ = ["Call", "Route"]

Handler = Callable[["Call"], Awaitable["Response"]]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path pattern such as "/api/{m}/{pk}/-/history", and who answers it.

    `{m}` and `{pk}` are decoded as section 6.1 of the contract says. `public` needs no user,
    `safe` is not checked for CSRF though its method is unsafe (login).
    """

    method: str
    pattern: str
    handler: Handler
    public: bool = False


@dataclass(slots=True)
class Call:
    """Request, user and path parameters of one call; caches what is asked twice.

    `params` are the decoded path parameters; `arguments` the decoded query parameters in their
    order, names may repeat. `user` is anonymous on public routes.
    """

    site: AdminSite
    request: Request
    request_id: str
    user: AdminUser
    params: Mapping[str, str] = field(default_factory=dict)
    arguments: list[tuple[str, str]] = field(default_factory=list)
    _rights: dict[str, Rights] = field(default_factory=dict)

    def argument(self, name: str, default: str | None = None) -> str | None:
        """The last value given for a query parameter."""
        return next((value for key, value in reversed(self.arguments) if key == name), default)

    async def json(self) -> dict[str, Any]:
        """The body, a JSON object. Raises 400, 408, 413 and 415 as the contract says."""
        raise AdminError("not read yet", status=500)

    def resource(self) -> Resource:
        """The registered model that `{m}` names. Whether the user may view it is for `rights`."""
        return self.site.resource(self.params["m"])

    def rights(self, resource: Resource | None = None, action: str = "view") -> Rights:
        """What the user may do with `resource` (that of the path by default) in this call."""
        raise AdminError("not granted yet", status=500)
