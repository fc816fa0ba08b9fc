"""Which models a panel shows, under which slugs; their resources, made when first asked for."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from typing import Any

from oxyde.models import iter_tables
from oxyde.models.registry import finalize_pending

from ..exceptions import ModelNotFoundError
from .fields import NotFinishedError, columns_of, fields_of
from .inlines import resolve_inlines
from .model_admin import ModelAdmin
from .resolve import resolve, static_exclusions
from .resource import Resource
from .slugs import slug_to_text, unescape

__all__ = ["Registry"]

_OWN_TABLES = "oxyde_admin.models"


class Registry:
    """The registered models of one panel, in the order of registration."""

    def __init__(self) -> None:
        self._admins: dict[type[Any], ModelAdmin] = {}
        self._slugs: dict[str, type[Any]] = {}
        self._resources: dict[type[Any], Resource] | None = None
        self._lock = threading.RLock()

    # --- registration ------------------------------------------------------------------

    def register(
        self, model: type[Any], admin: ModelAdmin | type[ModelAdmin] | None = None, /, **options: Any
    ) -> None:
        """Adds a model. Names in its options are checked now, of a pending model in the first request."""
        meta = getattr(model, "_db_meta", None)
        if meta is None or not meta.is_table:
            raise ValueError(f"{model!r} is no table model; give it a class Meta with is_table = True")
        with self._lock:
            if model in self._admins:
                raise ValueError(f"{model.__name__} is already registered")
            made = _made(model, admin, options)
            slug = self._free_slug(model, made)
            self._admins[model], self._slugs[slug] = made, model
            self._resources = None
            try:
                self._check(model)
            except NotFinishedError:
                return
            except BaseException:
                self.exclude(model)
                raise

    def register_all(self, *, exclude: Collection[type[Any]] | None = None) -> None:
        """Adds every table model that is not in `exclude`, not registered and not the panel's own."""
        finalize_pending()
        left_out = set(exclude or ())
        for model in iter_tables():
            if model not in left_out and model not in self._admins and model.__module__ != _OWN_TABLES:
                self.register(model)

    def exclude(self, model: type[Any]) -> None:
        """Removes a model; silent if it is not there."""
        with self._lock:
            self._admins.pop(model, None)
            self._slugs = {slug: known for slug, known in self._slugs.items() if known is not model}
            self._resources = None

    @property
    def models(self) -> dict[type[Any], ModelAdmin]:
        """A copy: model to its options."""
        return dict(self._admins)

    # --- resources ---------------------------------------------------------------------

    def resources(self) -> list[Resource]:
        """All registered models. The first call raises what is wrong with their options."""
        return list(self._all().values())

    def resource(self, name: str) -> Resource:
        """The model that a slug, as it stands in a path, names; raises ModelNotFoundError."""
        try:
            model = self._slugs.get(slug_to_text(unescape(name)))
        except ValueError as error:
            raise ModelNotFoundError from error
        if model is None:
            raise ModelNotFoundError
        return self._all()[model]

    def resource_of(self, model: type[Any]) -> Resource | None:
        """The resource of a model, None if it is not registered."""
        return self._all().get(model)

    def problems(self) -> list[str]:
        """What is wrong with the options of any model."""
        found: list[str] = []
        for model in self._admins:
            try:
                self._check(model)
            except ValueError as error:
                found.append(str(error))
        return found

    def _all(self) -> Mapping[type[Any], Resource]:
        made = self._resources
        if made is None:
            with self._lock:
                made = self._resources = self._made_resources()
        return made

    def _made_resources(self) -> dict[type[Any], Resource]:
        made = {model: self._resolved(model) for model in self._admins}
        for resource in made.values():
            resource.inlines = resolve_inlines(
                resource, lambda model: made.get(model) or self._unlisted(model)
            )
        return made

    def _check(self, model: type[Any]) -> None:
        resolve_inlines(self._resolved(model), self._known_or_unlisted)

    def _known_or_unlisted(self, model: type[Any]) -> Resource:
        return self._resolved(model) if model in self._admins else self._unlisted(model)

    def _resolved(self, model: type[Any]) -> Resource:
        slug = next(slug for slug, known in self._slugs.items() if known is model)
        return resolve(model, self._admins[model], slug, self.excluded_of)

    def _unlisted(self, model: type[Any]) -> Resource:
        """A model that is no page of its own, but an inline of another one."""
        admin = ModelAdmin()
        return resolve(model, admin, self._free_slug(model, admin), self.excluded_of)

    def excluded_of(self, model: type[Any]) -> frozenset[str]:
        """Which fields of any model are excluded for everybody."""
        return static_exclusions(fields_of(model), columns_of(model), self._admins.get(model), model)

    # --- slugs -------------------------------------------------------------------------

    def _free_slug(self, model: Any, admin: ModelAdmin) -> str:
        """The chosen slug, else the table's name, else with its schema in front."""
        meta = model._db_meta
        if admin.slug is not None:
            names = [admin.slug]
        else:
            names = [meta.table_name, *([f"{meta.schema}.{meta.table_name}"] if meta.schema else [])]
        for name in names:
            if slug_to_text(name) not in self._slugs:
                return slug_to_text(name)
        taken = self._slugs[slug_to_text(names[-1])]
        raise ValueError(
            f"{model.__name__}: the slug {names[-1]!r} is that of {taken.__name__}; choose another with slug="
        )


def _made(
    model: type[Any], admin: ModelAdmin | type[ModelAdmin] | None, options: Mapping[str, Any]
) -> ModelAdmin:
    if admin is None:
        return ModelAdmin(**options)
    if isinstance(admin, type) and issubclass(admin, ModelAdmin):
        return admin(**options)
    if not isinstance(admin, ModelAdmin):
        raise TypeError(f"register({model.__name__}, ...) takes a ModelAdmin, not {admin!r}")
    if options:
        raise TypeError(
            f"register({model.__name__}, ...) takes a ModelAdmin that is made, or options, not both"
        )
    return admin
