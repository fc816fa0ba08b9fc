"""What is known of a model beside its Pydantic fields: `cls._db_meta`.

Meant for tools. Readable, but without a promise that it stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from ._types import ColumnType
from .decorators import Check, Index

__all__ = ["ColumnMeta", "ForeignKeyInfo", "ModelMeta", "RelationInfo"]


@dataclass(frozen=True)
class ForeignKeyInfo:
    """Where a relation attribute points. `target` is "module.QualName"."""

    target: str
    column_name: str
    target_field: str
    nullable: bool
    on_delete: str
    on_update: str


@dataclass(frozen=True)
class RelationInfo:
    """A virtual field: the other side of a foreign key, or a many-to-many relation."""

    name: str
    kind: Literal["one_to_many", "one_to_one", "many_to_many"]
    target: str
    remote_field: str | None
    through: str | type[Any] | None


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key as the model declares it: `ids` are fields of the model, `references` of `target`."""

    name: str
    target: type[Any]
    ids: tuple[str, ...]
    references: tuple[str, ...]
    on_delete: str
    on_update: str


@dataclass
class ColumnMeta:
    """A field and its column."""

    name: str
    db_column: str
    python_type: Any
    nullable: bool
    db_type: str | None = None
    index: bool = False
    index_name: str | None = None
    index_method: str | None = None
    unique: bool = False
    primary_key: bool = False
    comment: str | None = None
    default: Any = None
    default_factory: Callable[..., Any] | None = None
    db_default: str | None = None
    max_length: int | None = None
    max_digits: int | None = None
    decimal_places: int | None = None
    foreign_key: ForeignKeyInfo | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    column_type: ColumnType | None = field(default=None, repr=False)


@dataclass
class ModelMeta:
    """The options of `Meta` and, once the model is finished, its columns.

    `pk_fields`: all key fields, in field order. `finished`: the annotations could be resolved and
    `field_metadata` is complete. `error`: what was wrong with a model that was finished later than
    its class statement. `columns`: the part of `field_metadata` that has columns of its own;
    `relation_fields`: the names of the rest. `waits_for`: the name that a pending model
    misses first. `prepared`: the Pydantic fields have their final form;
    `foreign_keys` is then complete, by name of the relation, and `generated` holds the names of the
    id fields that were added for them. `linked`: relations, and id fields with the relations they
    belong to. `resolved`: relations whose other end was looked up.
    """

    is_table: bool = False
    table_name: str = ""
    schema: str | None = None
    comment: str | None = None
    indexes: list[Index] = field(default_factory=list)
    unique_together: list[tuple[str, ...]] = field(default_factory=list)
    constraints: list[Check] = field(default_factory=list)
    ordering: list[Any] = field(default_factory=list)
    unloaded: Literal["empty", "raise"] | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    field_metadata: dict[str, ColumnMeta] = field(default_factory=dict)
    relations: dict[str, RelationInfo] = field(default_factory=dict)
    pk_fields: tuple[str, ...] = ()
    finished: bool = field(default=False, repr=False)
    error: Exception | None = field(default=None, repr=False)
    columns: dict[str, ColumnMeta] = field(default_factory=dict, repr=False)
    relation_fields: tuple[str, ...] = field(default=(), repr=False)
    waits_for: str = field(default="", repr=False)
    prepared: bool = field(default=False, repr=False)
    generated: tuple[str, ...] = field(default=(), repr=False)
    foreign_keys: dict[str, ForeignKey] = field(default_factory=dict, repr=False)
    linked: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    resolved: dict[str, Any] = field(default_factory=dict, repr=False)
    old_plans: list[Any] = field(default_factory=list, repr=False)

    def is_relation(self, name: str) -> bool:
        """Whether it is a relation attribute of the class, which may be no table."""
        return self.linked.get(name) == ()

    @property
    def pk_field(self) -> str | None:
        """Name of the first key field."""
        return self.pk_fields[0] if self.pk_fields else None

    @property
    def pk_column(self) -> str | None:
        """Column of the first key field."""
        return self.field_metadata[self.pk_fields[0]].db_column if self.pk_fields else None

    def finish(self, fields: dict[str, ColumnMeta], relations: dict[str, RelationInfo]) -> None:
        """Takes over the fields of the finished model."""
        self.field_metadata = fields
        self.columns = {name: c for name, c in fields.items() if c.column_type is not None}
        self.relation_fields = tuple(name for name, c in fields.items() if c.column_type is None)
        self.relations = relations
        # A relation that is part of the key stands for its id fields, at its own place.
        keys: dict[str, None] = {}
        for name, column in fields.items():
            if column.primary_key:
                relation = self.foreign_keys.get(name)
                keys.update(dict.fromkeys((name,) if relation is None else relation.ids))
        self.pk_fields = tuple(keys)
        self.finished = True

    def fields_of(self, name: str) -> tuple[str, ...]:
        """The fields that a name in `Meta` stands for: a field, a relation's id fields, or a column's."""
        if name in self.columns:
            return (name,)
        if name in self.foreign_keys:
            return self.foreign_keys[name].ids
        return tuple(field for field, column in self.columns.items() if column.db_column == name)
