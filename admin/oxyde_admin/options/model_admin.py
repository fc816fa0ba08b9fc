"""`ModelAdmin`: how one model appears in the panel, and what happens around its records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .context import AdminContext
from .inline import Inline
from .names import did_you_mean

__all__ = ["OPTIONS", "ModelAdmin", "overrides"]

Roles = bool | Sequence[str]


class ModelAdmin:
    """The options of a model; subclasses give them as class attributes and may add methods.

    Keyword arguments win over class attributes. Methods decorated with `column` and `action` become
    columns and buttons; the hooks below may be overridden, all of them are coroutines.
    """

    list_display: Sequence[str] | None = None
    search_fields: Sequence[str] | None = None
    list_filter: Sequence[str] | None = None
    readonly_fields: Sequence[str] | None = None
    exclude_fields: Sequence[str] | None = None
    ordering: Sequence[str] | None = None
    display_field: str | None = None
    column_labels: Mapping[str, str] | None = None
    exportable: bool = True
    group: str | None = None
    icon: str | None = None
    slug: str | None = None
    label: str | None = None
    using: str | None = None
    access: Mapping[str, Roles] | None = None
    field_access: Mapping[str, Mapping[str, Roles]] | None = None
    form_fields: Sequence[str] | None = None
    fieldsets: Sequence[tuple[str, Sequence[str]]] | None = None
    help_texts: Mapping[str, str] | None = None
    widgets: Mapping[str, str] | None = None
    inlines: Sequence[Inline] | None = None
    importable: bool = False
    version_field: str | None = None
    require_version: bool = False
    chart: str | None = None

    def __init__(self, **options: Any) -> None:
        for name, value in options.items():
            if name not in OPTIONS:
                raise TypeError(
                    f"{type(self).__name__} got an unknown option {name!r}{did_you_mean(name, OPTIONS)}"
                )
            setattr(self, name, value)
        for name, kind in OPTIONS.items():
            _check_kind(type(self).__name__, name, kind, getattr(self, name))

    # --- rows and rights ---------------------------------------------------------------

    async def query(self, ctx: AdminContext, q: Any) -> Any:
        """The rows that exist for this user: `q`, usually filtered."""
        return q

    async def can(self, ctx: AdminContext, action: str, record: Any = None) -> bool:
        """Whether the user may do this, with this record if one is given."""
        return True

    async def hidden(self, ctx: AdminContext) -> set[str]:
        """Further fields that this user never sees."""
        return set()

    async def readonly(self, ctx: AdminContext, record: Any = None) -> set[str]:
        """Further fields that this user may not change, in `record` or in a new one."""
        return set()

    # --- writing -----------------------------------------------------------------------

    async def validate(self, ctx: AdminContext, data: dict[str, Any], record: Any) -> dict[str, Any]:
        """What is to be written, before the model validates it; may change it or refuse."""
        return data

    async def before_save(self, ctx: AdminContext, record: Any, created: bool) -> None:
        """Inside the transaction, before the record is written."""

    async def after_save(self, ctx: AdminContext, record: Any, created: bool) -> None:
        """Inside the transaction, after the record was written."""

    async def before_delete(self, ctx: AdminContext, record: Any) -> None:
        """Inside the transaction, before the record is deleted."""

    async def after_delete(self, ctx: AdminContext, record: Any) -> None:
        """Inside the transaction, after the record was deleted."""

    async def after_commit(self, ctx: AdminContext) -> None:
        """After the transaction; an exception is logged and changes nothing."""


_NAMES = "a list of names"
_TEXT = "text"
_FLAG = "True or False"
_MAPPING = "a dict"
_LIST = "a list"

OPTIONS: Mapping[str, str] = {
    "list_display": _NAMES,
    "search_fields": _NAMES,
    "list_filter": _NAMES,
    "readonly_fields": _NAMES,
    "exclude_fields": _NAMES,
    "ordering": _NAMES,
    "display_field": _TEXT,
    "column_labels": _MAPPING,
    "exportable": _FLAG,
    "group": _TEXT,
    "icon": _TEXT,
    "slug": _TEXT,
    "label": _TEXT,
    "using": _TEXT,
    "access": _MAPPING,
    "field_access": _MAPPING,
    "form_fields": _NAMES,
    "fieldsets": _LIST,
    "help_texts": _MAPPING,
    "widgets": _MAPPING,
    "inlines": _LIST,
    "importable": _FLAG,
    "version_field": _TEXT,
    "require_version": _FLAG,
    "chart": _TEXT,
}
"""Every option, and what it takes."""


def _is_collection(value: Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset))


_FITS: Mapping[str, Any] = {
    _NAMES: lambda value: _is_collection(value) and all(isinstance(name, str) for name in value),
    _TEXT: lambda value: isinstance(value, str),
    _FLAG: lambda value: isinstance(value, bool),
    _MAPPING: lambda value: isinstance(value, Mapping),
    _LIST: _is_collection,
}


def _check_kind(owner: str, name: str, kind: str, value: Any) -> None:
    if value is None and kind != _FLAG:
        return
    if not _FITS[kind](value):
        raise TypeError(f"{owner}: option {name!r} takes {kind}, not {value!r}")


def overrides(admin: ModelAdmin, method: str) -> bool:
    """Whether the class of `admin` has a hook of its own under this name."""
    return getattr(type(admin), method) is not getattr(ModelAdmin, method)
