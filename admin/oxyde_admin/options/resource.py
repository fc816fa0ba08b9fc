"""A registered model as the panel works with it: options checked, fields and relations resolved.

Made from a model and its `ModelAdmin` on the first request after registration; never changes then.
Knows nothing of users: what a user may see and do is in `security/rights.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .model_admin import ModelAdmin

__all__ = ["AdminField", "Resource"]

Shape = Literal["column", "foreign_key", "many_to_many", "computed"]


@dataclass(frozen=True, slots=True)
class AdminField:
    """A field of a model.

    `shape`: a column of its own; `foreign_key`: the relation attribute, whose columns are the fields
    `ids` (which are AdminFields of shape `column` too, with `relation` naming this one);
    `many_to_many`; `computed`: Pydantic computed fields and `@column` methods. Reverse relations are
    not fields of a resource. `kind` is the column kind of the models document, 5.1 ("big_integer",
    "string", …; of the first id for a foreign key, "" otherwise). `target` is the related model.
    `annotation` is the whole annotation with its metadata, as Pydantic holds it.
    """

    name: str
    shape: Shape
    kind: str
    annotation: Any
    nullable: bool
    required: bool
    primary_key: bool
    unique: bool
    generated: bool
    frozen: bool
    secret: bool
    excluded: bool
    column: Any = None
    relation: str | None = None
    ids: tuple[str, ...] = ()
    target: type[Any] | None = None
    info: Any = None


@dataclass(slots=True)
class Resource:
    """A registered model. `fields` are all of them in model order, by name.

    `keys` are the key fields, `()` for a model without one. `columns` maps column names to field
    names where they differ. `computed` maps names of `@column` methods to their declarations,
    `actions` those of `@action` methods, `inlines` names to the resolved inlines.
    `searched`, `filtered` and `ordering` are the checked options as lookup paths.
    """

    model: type[Any]
    admin: ModelAdmin
    slug: str
    label: str
    fields: Mapping[str, AdminField]
    keys: tuple[str, ...]
    columns: Mapping[str, str]
    computed: Mapping[str, Any] = field(default_factory=dict)
    actions: Mapping[str, Any] = field(default_factory=dict)
    inlines: Mapping[str, Any] = field(default_factory=dict)
    searched: tuple[str, ...] = ()
    filtered: tuple[str, ...] = ()
    ordering: tuple[str, ...] = ()
    using: str | None = None

    def key_of(self, record: Any) -> tuple[Any, ...]:
        """The key values of a record, in the order of `keys`."""
        return tuple(getattr(record, name) for name in self.keys)
