"""From a model and its `ModelAdmin` to a `Resource`: every name in an option is looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .actions import BUILT_IN_ACTIONS, actions_of
from .columns import columns_of as computed_columns_of
from .fields import columns_of, fields_of
from .model_admin import ModelAdmin
from .names import did_you_mean
from .paths import Path, UnknownPathError, follow
from .resource import AdminField, Resource, with_relations
from .sorting import is_sortable
from .widgets import WIDGETS

__all__ = ["ExcludedOf", "resolve", "static_exclusions"]

ExcludedOf = Callable[[type[Any]], frozenset[str]]
"""Which fields of a model no option may name."""

_DATES = frozenset({"date", "date_time", "date_time_utc"})
_VERSIONS = frozenset({"big_integer", "date_time", "date_time_utc"})
_WITHOUT_KEY = ("view", "export")


def resolve(model: type[Any], admin: ModelAdmin, slug: str, excluded_of: ExcludedOf) -> Resource:
    """The resource, without its inlines. `ValueError` for a name that nothing has."""
    return _Resolver(model, admin, excluded_of).resource(slug)


class _Resolver:
    def __init__(self, model: type[Any], admin: ModelAdmin, excluded_of: ExcludedOf) -> None:
        self.model = model
        self.admin = admin
        self.fields = fields_of(model)
        self.columns = columns_of(model)
        self.computed = computed_columns_of(admin)
        self.actions = actions_of(admin)
        self.excluded_of = excluded_of
        self.excluded = excluded_of(model)

    def resource(self, slug: str) -> Resource:
        admin, keys = self.admin, tuple(self.model._db_meta.pk_fields)
        self._check_own_names()
        for name in keys:
            if name in self.excluded:
                raise self._wrong("exclude_fields", f"{name!r} is the key, which every link needs")
        self._check_access()
        self._check_field_access(keys)
        for option in ("column_labels", "help_texts"):
            for name in getattr(admin, option) or ():
                self._name(option, name, computed=True)
        self._check_widgets()
        self._check_kind("chart", _DATES, "a date")
        self._check_kind("version_field", _VERSIONS, "an integer or a timestamp")
        readonly = [
            self._name("readonly_fields", name, computed=True) for name in admin.readonly_fields or ()
        ]
        return Resource(
            model=self.model,
            admin=admin,
            slug=slug,
            label=admin.label or self.model.__name__,
            fields=self.fields,
            keys=keys,
            columns=self.columns,
            computed=self.computed,
            actions=self.actions,
            excluded=self.excluded,
            readonly=with_relations(self.fields, (name for name in readonly if name in self.fields)),
            listed=self._listed(),
            searched=tuple(self._path("search_fields", name).text for name in admin.search_fields or ()),
            filtered=tuple(self._path("list_filter", name).text for name in admin.list_filter or ()),
            ordering=tuple(self._term(term) for term in admin.ordering or ()),
            forms=self._forms(readonly),
            display=self._display(),
            offered=self._offered(keys),
            using=admin.using,
        )

    # --- names ---------------------------------------------------------------------------

    def _wrong(self, option: str, text: str) -> ValueError:
        return ValueError(f"{self.model.__name__}: option {option!r}: {text}")

    def _name(self, option: str, name: str, *, computed: bool = False) -> str:
        """A field by its name or column's, or a `@column`; not an excluded one."""
        found = name if name in self.fields else self.columns.get(name)
        if found is None and computed and name in self.computed:
            return name
        if found is None:
            known = [*self.fields, *self.columns, *(self.computed if computed else ())]
            raise self._wrong(
                option, f"{self.model.__name__} has no field {name!r}{did_you_mean(name, known)}"
            )
        if found in self.excluded:
            raise self._wrong(option, f"{name!r} is excluded")
        return found

    def _path(self, option: str, text: str) -> Path:
        """A path that touches no excluded field on its way."""
        try:
            path = follow(self.model, text)
        except UnknownPathError as error:
            raise self._wrong(option, str(error)) from None
        for model, name in path.steps:
            if name in (self.excluded if model is self.model else self.excluded_of(model)):
                raise self._wrong(
                    option, f"{text!r} leads through {model.__name__}.{name}, which is excluded"
                )
        if path.field is not None and path.field.secret:
            # A secret that can be searched can be guessed letter by letter.
            raise self._wrong(option, f"{text!r} holds a secret")
        return path

    def _term(self, term: str, option: str = "ordering") -> str:
        """One term of an ordering; a `@column` stands for the path that it sorts by."""
        down, name = term.startswith("-"), term.removeprefix("-")
        declared = self.computed.get(name) if name not in self.fields else None
        if declared is not None:
            if declared.ordering is None:
                raise self._wrong(option, f"column {name!r} cannot be sorted: it says no ordering")
            down ^= declared.ordering.startswith("-")
            name = declared.ordering.removeprefix("-")
        path = self._path(option, name)
        if path.field is None or (not path.keys and not is_sortable(path.field)):
            raise self._wrong(option, f"{name!r} cannot be sorted by")
        return f"-{path.text}" if down else path.text

    # --- options -------------------------------------------------------------------------

    def _check_own_names(self) -> None:
        for name, declared in self.computed.items():
            if name in self.fields:
                raise self._wrong("@column", f"{name!r} is the name of a field")
            if declared.ordering is not None:
                self._term(name, f"@column {name}")
        for name in self.actions:
            if name in BUILT_IN_ACTIONS:
                raise self._wrong("@action", f"{name!r} is the name of a built-in action")

    def _listed(self) -> tuple[str, ...]:
        if self.admin.list_display is None:
            shown = [
                name
                for name, field in self.fields.items()
                if field.shape != "foreign_key" and field.kind != "blob" and name not in self.excluded
            ]
            return (*shown, *self.computed)
        names: dict[str, None] = {}
        for given in self.admin.list_display:
            name = self._name("list_display", given, computed=True)
            # A foreign key stands in the list under its id.
            ids = self.fields[name].ids if name in self.fields else ()
            names.update(dict.fromkeys(ids or (name,)))
        return tuple(names)

    def _forms(self, readonly: Sequence[str]) -> tuple[str, ...]:
        """Fields of forms: as the options say, else all; foreign keys by relation.

        A `@column` is there if it is named, or read-only by name while nothing says what is there.
        """
        admin = self.admin
        if admin.form_fields is not None:
            given = [self._form_name("form_fields", name) for name in admin.form_fields]
        elif admin.fieldsets is not None:
            given = [name for _, names in self.fieldsets() for name in names]
        else:
            given = [
                name
                for name, field in self.fields.items()
                if field.relation is None and name not in self.excluded
            ]
            given += [name for name in readonly if name not in self.fields]
        for _, names in self.fieldsets():
            for name in names:
                if name not in given:
                    raise self._wrong("fieldsets", f"{name!r} is not among form_fields")
        return tuple(dict.fromkeys(given))

    def fieldsets(self) -> list[tuple[str, tuple[str, ...]]]:
        sets: list[tuple[str, tuple[str, ...]]] = []
        for entry in self.admin.fieldsets or ():
            if not isinstance(entry, Sequence) or isinstance(entry, str) or len(entry) != 2:
                raise self._wrong("fieldsets", f"{entry!r} is no pair of a title and a list of names")
            title, names = entry
            sets.append((title, tuple(self._form_name("fieldsets", name) for name in names)))
        return sets

    def _form_name(self, option: str, name: str) -> str:
        found = self._name(option, name, computed=True)
        return self.fields[found].relation or found if found in self.fields else found

    def _display(self) -> str | None:
        name = self.admin.display_field
        if name is None:
            return None
        path = self._path("display_field", name)
        if path.field is None or path.field.shape in ("many_to_many", "computed"):
            raise self._wrong("display_field", f"{name!r} is not stored in a column")
        return path.text

    def _check_widgets(self) -> None:
        for name, widget in (self.admin.widgets or {}).items():
            self._name("widgets", name)
            if widget not in WIDGETS:
                raise self._wrong(
                    "widgets", f"there is no widget {widget!r}{did_you_mean(str(widget), WIDGETS)}"
                )

    def _check_kind(self, option: str, kinds: frozenset[str], what: str) -> None:
        name = getattr(self.admin, option)
        if name is None:
            return
        field = self.fields[self._name(option, name)]
        if field.shape != "column" or field.kind not in kinds:
            raise self._wrong(option, f"{name!r} is no field that holds {what}")

    # --- rights --------------------------------------------------------------------------

    def _check_access(self) -> None:
        known = [*BUILT_IN_ACTIONS, *self.actions]
        for name, roles in (self.admin.access or {}).items():
            if name not in known:
                raise self._wrong("access", f"there is no action {name!r}{did_you_mean(name, known)}")
            self._check_roles("access", roles)

    def _check_field_access(self, keys: tuple[str, ...]) -> None:
        for given, rules in (self.admin.field_access or {}).items():
            name = self._name("field_access", given)
            if not isinstance(rules, Mapping):
                raise self._wrong("field_access", f"{given!r} takes a dict of 'view' and 'change'")
            for what, roles in rules.items():
                if what not in ("view", "change"):
                    near = did_you_mean(what, ("view", "change"))
                    raise self._wrong(
                        "field_access", f"{given!r} names {what!r}, not 'view' or 'change'{near}"
                    )
                self._check_roles("field_access", roles)
            if "view" in rules and with_relations(self.fields, [name]) & set(keys):
                raise self._wrong("field_access", f"{given!r} is the key, which every link needs")

    def _check_roles(self, option: str, roles: Any) -> None:
        if isinstance(roles, bool):
            return
        if isinstance(roles, str) or not isinstance(roles, Iterable):
            raise self._wrong(option, f"takes True, False or a list of roles, not {roles!r}")

    def _offered(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """The actions that this model has, before anybody's rights."""
        admin = self.admin
        absent = {
            name for name, there in (("export", admin.exportable), ("import", admin.importable)) if not there
        }
        built_in = BUILT_IN_ACTIONS if keys else _WITHOUT_KEY
        own = self.actions if keys else ()
        return (*(name for name in built_in if name not in absent), *own)


def static_exclusions(
    fields: Mapping[str, AdminField], columns: Mapping[str, str], admin: ModelAdmin | None, model: type[Any]
) -> frozenset[str]:
    """What is excluded for everybody: by `exclude_fields`, and by `Field(exclude=True)`."""
    names = [name for name, field in fields.items() if field.excluded]
    for given in (admin.exclude_fields if admin is not None else None) or ():
        name = given if given in fields else columns.get(given)
        if name is None:
            near = did_you_mean(given, [*fields, *columns])
            raise ValueError(
                f"{model.__name__}: option 'exclude_fields': {model.__name__} has no field {given!r}{near}"
            )
        names.append(name)
    return with_relations(fields, names)
