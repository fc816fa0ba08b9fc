"""One request on its way through the panel: what every route handler is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ..options.context import AdminContext
from ..security.rights import Rights
from . import body
from .watch import Watch

if TYPE_CHECKING:
    from ..auth import AdminUser, AuthRequest
    from ..options.resource import Resource
    from ..security.gate import Visit
    from ..site import AdminSite
    from .message import Request, Response

__all__ = ["Call", "Handler", "Route"]

Handler = Callable[["Call"], Awaitable["Response"]]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path pattern such as "/api/{m}/{pk}/-/history", and who answers it.

    `{m}` matches no word that is reserved as a slug, `{pk}` none reserved as a key. `public` needs
    no user. A route of GET answers HEAD too. `reads`: whose rows it only reads, that of `{m}` and
    what it points at, those of all models, or none (or none yet: writing begins its own transaction).
    """

    method: str
    pattern: str
    handler: Handler
    public: bool = False
    reads: Literal["none", "model", "all"] = "none"


@dataclass(slots=True)
class Call:
    """Request, user and path parameters of one call; caches what is asked twice.

    `params` are the path parameters without their percent encoding; slugs and keys still have their
    `~hh`, since only then the `,` between the parts of a key is known from one inside. `arguments`
    are the decoded query parameters in their order; names may repeat. `visit` says who sends the
    request; on public routes nobody does.
    """

    site: AdminSite
    request: Request
    request_id: str
    visit: Visit
    watch: Watch
    params: Mapping[str, str] = field(default_factory=dict)
    arguments: list[tuple[str, str]] = field(default_factory=list)
    _rights: dict[tuple[type[Any], str], Rights] = field(default_factory=dict)

    @property
    def user(self) -> AdminUser:
        """Who sends the request."""
        return self.visit.user

    @property
    def auth_request(self) -> AuthRequest:
        """The request as authentication and hooks see it."""
        return self.visit.request

    def argument(self, name: str, default: str | None = None) -> str | None:
        """The last value given for a query parameter."""
        return next((value for key, value in reversed(self.arguments) if key == name), default)

    async def json(self) -> dict[str, Any]:
        """The body, a JSON object; fractions are Decimals. Raises 400, 408, 413 and 415."""
        body.expect(self.request, "application/json")
        raw = await self.body(self.site.settings.max_body)
        return await body.parse_object(raw)

    async def text(self, media_type: str, limit: int) -> str:
        """The body as text of that type, in UTF-8, at most `limit` bytes."""
        body.expect(self.request, media_type)
        return body.decode(await self.body(limit))

    async def body(self, limit: int) -> bytes:
        """The whole body, at most `limit` bytes, within the panel's `body_timeout`."""
        raw = await body.read(self.request, limit, self.site.settings.body_timeout)
        self.watch.start()
        return raw

    def resource(self) -> Resource:
        """The registered model that `{m}` names. Whether the user may view it is for `rights`."""
        return self.site.resource(self.params["m"])

    def rights(self, resource: Resource | None = None, action: str = "view") -> Rights:
        """What the user may do with `resource` (that of the path by default) in this call."""
        resource = self.resource() if resource is None else resource
        known = self._rights.get((resource.model, action))
        if known is None:
            context = AdminContext(
                user=self.user,
                request=self.auth_request,
                model=resource.model,
                action=action,
                request_id=self.request_id,
            )
            known = self._rights[resource.model, action] = Rights(self.site, resource, context)
        return known
