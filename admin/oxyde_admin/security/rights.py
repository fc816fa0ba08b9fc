"""What one user may see and do with one model during one request (contract, section 9).

Every answer is computed once per call. Without `view` the model does not exist: `require` raises
ModelNotFoundError; any other refused action raises PermissionDeniedError.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from oxyde import Query

from ..exceptions import (
    ExportNotAllowedError,
    ModelNotFoundError,
    PermissionDeniedError,
    RecordNotFoundError,
)
from ..options.names import did_you_mean
from ..options.resource import with_relations

if TYPE_CHECKING:
    from ..options.context import AdminContext
    from ..options.paths import Path
    from ..options.resource import AdminField, Resource
    from ..site import AdminSite

__all__ = ["Rights"]

_TEXTS = frozenset({"string", "text"})


class Rights:
    """The rights of `ctx.user` on `resource`."""

    def __init__(self, site: AdminSite, resource: Resource, ctx: AdminContext) -> None:
        self.site = site
        self.resource = resource
        self.ctx = ctx
        self._allowed: dict[str, bool] = {}
        self._hidden: frozenset[str] | None = None
        self._related: dict[type[Any], Rights | None] = {}

    # --- actions -------------------------------------------------------------------------

    async def allows(self, action: str, record: Any = None) -> bool:
        """Whether permissions, `access` and `can` all allow the action (on this record)."""
        if not await self._allows(action):
            return False
        if action != "view" and not await self.allows("view", record):
            return False
        return record is None or bool(await self.resource.admin.can(self.ctx, action, record))

    async def require(self, action: str, record: Any = None) -> None:
        """Raises unless the action is allowed."""
        if not await self._allows("view"):
            raise ModelNotFoundError
        if record is not None and not await self.allows("view", record):
            raise RecordNotFoundError
        if action == "export" and not self.resource.admin.exportable:
            raise ExportNotAllowedError
        if not await self.allows(action, record):
            raise PermissionDeniedError

    async def actions(self, record: Any = None) -> list[str]:
        """All allowed actions, the built-in ones first."""
        return [name for name in self.resource.offered if await self.allows(name, record)]

    async def _allows(self, action: str) -> bool:
        """The answer for the model as a whole."""
        known = self._allowed.get(action)
        if known is None:
            known = (
                action in self.resource.offered
                and self._permitted(action)
                and self._has_role((self.resource.admin.access or {}).get(action, True))
                and bool(await self.resource.admin.can(self.ctx, action, None))
            )
            self._allowed[action] = known
        return known

    def _permitted(self, action: str) -> bool:
        """Gate 1: what the user's own permissions say."""
        if self.site.settings.permissions == "open":
            return True
        slug = self.resource.slug
        wanted = {f"{slug}:{action}", f"{slug}:*", f"*:{action}", "*:*"}
        return not wanted.isdisjoint(self.ctx.user.permissions)

    def _has_role(self, allowed: bool | Iterable[str]) -> bool:
        if isinstance(allowed, bool):
            return allowed
        return not set(allowed).isdisjoint(self.ctx.user.roles)

    # --- fields --------------------------------------------------------------------------

    async def hidden(self) -> frozenset[str]:
        """Names of the fields (relations and their id fields alike) that must never leave."""
        if self._hidden is None:
            own = self._named("hidden", await self.resource.admin.hidden(self.ctx))
            found = self.resource.excluded | own | self._refused("view")
            keys = found.intersection(self.resource.keys)
            if keys:
                raise ValueError(
                    f"{type(self.resource.admin).__name__}.hidden gave {sorted(keys)[0]!r}, "
                    f"which is the key of {self.resource.model.__name__}"
                )
            self._hidden = found
        return self._hidden

    async def readonly(self, record: Any = None) -> frozenset[str]:
        """Names of the fields that this user may not write in `record`, in a new one if None.

        Hidden ones, computed ones and those that the database makes are among them.
        """
        resource = self.resource
        own = self._named("readonly", await resource.admin.readonly(self.ctx, record))
        found = resource.readonly | own | self._refused("change") | await self.hidden()
        fixed = (
            name
            for name, field in resource.fields.items()
            if field.shape == "computed"
            or field.generated
            or (record is not None and (field.frozen or field.primary_key))
        )
        return found | with_relations(resource.fields, fixed)

    async def visible(self) -> list[AdminField]:
        """The fields that are not hidden, in model order."""
        hidden = await self.hidden()
        return [field for name, field in self.resource.fields.items() if name not in hidden]

    async def display(self) -> str | None:
        """The path that labels a record: `display_field`, else the first visible text; None: the key."""
        resource = self.resource
        if resource.display is not None and await self.sees(resource.display):
            return resource.display
        own = [f for f in await self.visible() if f.shape == "column" and f.relation is None and not f.secret]
        return next((f.name for f in own if f.kind in _TEXTS), None)

    def _refused(self, what: str) -> frozenset[str]:
        """The fields that `field_access` keeps from this user's roles."""
        rules: Mapping[str, Mapping[str, Any]] = self.resource.admin.field_access or {}
        return self._named(
            "field_access", (name for name, rule in rules.items() if not self._has_role(rule.get(what, True)))
        )

    def _named(self, source: str, names: Iterable[str]) -> frozenset[str]:
        """Fields by name or column, with their relations. An unknown name would protect nothing."""
        resource, found = self.resource, set()
        for given in names:
            name = resource.name_of(given)
            if name is None:
                near = did_you_mean(given, resource.fields)
                raise ValueError(
                    f"{type(resource.admin).__name__}.{source} gave {given!r}, "
                    f"which {resource.model.__name__} does not have{near}"
                )
            found.add(name)
        return with_relations(resource.fields, found)

    # --- other models --------------------------------------------------------------------

    def of(self, model: type[Any]) -> Rights | None:
        """The same user's rights on another model; None if it is not registered."""
        if model is self.resource.model:
            return self
        if model not in self._related:
            resource = self.site.registry.resource_of(model)
            self._related[model] = None if resource is None else self.of_resource(resource)
        return self._related[model]

    def of_resource(self, resource: Resource) -> Rights:
        """The same user's rights on a resource, which may be that of an inline."""
        return Rights(self.site, resource, replace(self.ctx, model=resource.model, changes={}))

    async def sees(self, path: Path | str) -> bool:
        """Whether every model on the way is viewable and every name there visible.

        Of models that are not registered only `Field(exclude=True)` hides fields.
        """
        if isinstance(path, str):
            from ..options.paths import follow

            path = follow(self.resource.model, path)
        for model, name in path.steps:
            rights = self.of(model)
            if rights is None:
                if name in self.site.registry.excluded_of(model):
                    return False
            elif name in await rights.hidden() or not await rights.allows("view"):
                return False
        return True

    # --- rows ----------------------------------------------------------------------------

    async def rows(self, client: Any = None) -> Any:
        """The query of the rows that exist for this user.

        `client` is the open transaction, which the hook finds in its context. A statement runs on
        it with `**resource.on(client)`.
        """
        ctx = self.ctx if client is None else replace(self.ctx, client=client)
        model = self.resource.model
        query = await self.resource.admin.query(ctx, model.objects.query())
        if not isinstance(query, Query):
            raise TypeError(
                f"{type(self.resource.admin).__name__}.query gave {type(query).__name__}, not a query"
            )
        return query
