"""A registered model as the panel works with it: options checked, fields and relations resolved.

Made from a model and its `ModelAdmin` on the first request after registration; never changes then.
Knows nothing of users: what a user may see and do is in `security/rights.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from oxyde.db.router import routed

if TYPE_CHECKING:
    from .actions import Action
    from .columns import Column
    from .inline import ResolvedInline
    from .model_admin import ModelAdmin

__all__ = ["AdminField", "Resource", "with_relations"]

Shape = Literal["column", "foreign_key", "many_to_many", "computed"]


@dataclass(frozen=True, slots=True)
class AdminField:
    """A field of a model.

    `shape`: a column of its own; `foreign_key`: the relation attribute, whose columns are the fields
    `ids` (which are AdminFields of shape `column` too, with `relation` naming this one);
    `many_to_many`; `computed`: a Pydantic computed field. Reverse relations are not fields of a
    resource. `kind` is the column kind of the models document, 5.1 ("big_integer", "string", …; of
    the first id for a foreign key, "" otherwise). `annotation` is the whole annotation with its
    metadata, as Pydantic holds it; `column` the model's ColumnMeta, `info` its FieldInfo.

    `generated`: the database alone makes the value (an auto-increment key, a generated column).
    `frozen`: cannot be changed once the record exists. `secret`: holds a `SecretStr`. `excluded`:
    `Field(exclude=True)`. `target` is the related model; of a many-to-many relation `link` says how
    (its `through` model, and pairs of field names `near` and `far`).
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
    link: Any = None


@dataclass(slots=True)
class Resource:
    """A registered model. `slug` is its name as it stands in a path, escaped where it must be.

    `fields` are all of them in model order, by name. `keys` are the key fields, `()` for a model
    without one. `columns` maps column names to field names where they differ. `computed` are the
    `@column` methods, `actions` the `@action` methods, `inlines` the resolved inlines, all by name.
    `excluded` and `readonly` hold whom the options exclude from everything and from writing,
    relations and their ids alike.

    The checked options, by field name: `listed` (fields and `@column`s of the list), `searched`,
    `filtered` and `ordering` (lookup paths), `forms` (fields and `@column`s of forms in order),
    `display` (the label; None: the first visible text field). `offered` are the actions that the model
    has at all.
    """

    model: type[Any]
    admin: ModelAdmin
    slug: str
    label: str
    fields: Mapping[str, AdminField]
    keys: tuple[str, ...]
    columns: Mapping[str, str]
    computed: Mapping[str, Column] = field(default_factory=dict)
    actions: Mapping[str, Action] = field(default_factory=dict)
    inlines: Mapping[str, ResolvedInline] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()
    readonly: frozenset[str] = frozenset()
    listed: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    filtered: tuple[str, ...] = ()
    ordering: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    display: str | None = None
    offered: tuple[str, ...] = ()
    using: str | None = None

    def key_of(self, record: Any) -> tuple[Any, ...]:
        """The key values of a record, in the order of `keys`."""
        return tuple(getattr(record, name) for name in self.keys)

    def form_columns(self) -> list[str]:
        """The `@column`s that a record's page shows."""
        return [name for name in self.forms if name in self.computed]

    def name_of(self, name: str) -> str | None:
        """The field of that name or column; None if there is none."""
        return name if name in self.fields else self.columns.get(name)

    def alias(self, *, write: bool = False) -> str:
        """The database whose rows these are: the option's, the router's, or the usual one."""
        return self.using or routed(self.model, write) or "default"

    def on(self, client: Any = None) -> dict[str, Any]:
        """Where a statement about this model runs: keyword arguments of every terminal."""
        if client is not None:
            return {"client": client}
        return {} if self.using is None else {"using": self.using}


def with_relations(fields: Mapping[str, AdminField], names: Iterable[str]) -> frozenset[str]:
    """The names, and with a relation its id fields, with an id field its relation."""
    found: set[str] = set()
    for name in names:
        relation = fields[name].relation or name
        found.update((name, relation, *fields[relation].ids))
    return frozenset(found)
