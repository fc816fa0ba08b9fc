"""Typed column expressions: what `Parcel.weight` and `Parcel.depot.label` are on a table class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .. import _core
from .._core import X_ANY, X_LOOKUP, X_NAME
from .expressions import Condition, Expression, listed
from .expressions import own_member as _own
from .q import is_condition

__all__ = ["Column", "Condition", "RelationColumn", "col", "column_of"]

T = TypeVar("T")

_new = _core.Expr.__new__


class Column(Expression, Generic[T]):
    """A field of a model; equals `F(name)` and carries the type for checkers."""

    __slots__ = ("model",)

    model: type

    if TYPE_CHECKING:
        # Checkers hold the other side against the field's type.
        def __lt__(self, other: T | _core.Expr) -> Condition: ...
        def __le__(self, other: T | _core.Expr) -> Condition: ...
        def __gt__(self, other: T | _core.Expr) -> Condition: ...
        def __ge__(self, other: T | _core.Expr) -> Condition: ...

    def __repr__(self) -> str:
        path = _own(self, "data").replace("__", ".")
        return f"{_own(self, 'model').__name__}.{path}"


class RelationColumn(Column[T]):
    """A relation of a model; its attributes are the columns of the model at its other end.

    Fields of that model win over methods. Compares with instances and keys.
    """

    __slots__ = ("_owner", "_relation")
    __hash__ = Column.__hash__

    _owner: type  # the model that has the relation
    _relation: str

    if not TYPE_CHECKING:  # stubs say which columns there are

        def __getattribute__(self, name: str) -> Any:
            if name.startswith("_"):
                return _own(self, name)
            target = _target(self)
            if name in target.__pydantic_fields__ or name == "pk":
                return _column(_own(self, "model"), f"{_own(self, 'data')}__{name}", target, name)
            try:
                return _own(self, name)
            except AttributeError:
                from ._fields import unknown_field

                raise AttributeError(f"{self!r}: {unknown_field(target, name)}") from None

    def _lookup(self, lookup: str, value: Any) -> Condition:
        return _new(Condition, X_LOOKUP, 0, (), (f"{_own(self, 'data')}__{lookup}", value))  # type: ignore[no-any-return]

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self._lookup("exact", other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return self._lookup("ne", other)

    def in_(self, values: Any) -> Condition:
        """One of these instances or keys, or of the rows of a query."""
        return self._lookup("in", listed(values))

    def is_null(self) -> Condition:
        """No related row."""
        return self._lookup("isnull", True)

    def is_not_null(self) -> Condition:
        """Some related row."""
        return self._lookup("isnull", False)

    def any(self, *conditions: Any) -> Condition:
        """One of many related rows for which all these conditions hold; without conditions, any row.

        The conditions are about the related model: `Depot.parcels.any(Parcel.weight > 9)`.
        """
        for condition in conditions:
            if not is_condition(condition):
                raise TypeError(f"any() takes conditions, not {type(condition).__name__}")
        return _new(Condition, X_ANY, 0, conditions, _own(self, "data"))  # type: ignore[no-any-return]


def _target(column: RelationColumn[Any]) -> Any:
    from ..models._relations import relation_of

    spec = relation_of(_own(column, "_owner"), _own(column, "_relation"))
    assert spec is not None  # column_of() makes relation columns of relations only
    return spec.target


def _column(model: type, path: str, owner: Any, name: str) -> Column[Any]:
    meta = owner.__oxyde_meta__
    if not meta.finished:
        from ..models._finalize import try_finish

        try_finish(owner, everything=True)
    if name not in meta.relation_fields:
        column: Column[Any] = _new(Column, X_NAME, 0, (), path)
        column.model = model
        return column
    relation: RelationColumn[Any] = _new(RelationColumn, X_NAME, 0, (), path)
    relation.model = model
    relation._owner = owner
    relation._relation = name
    return relation


def column_of(model: type, name: str) -> Column[Any]:
    """The column expression of a field or relation; made once per name by the model's class."""
    return _column(model, name, model, name)


def col(field: T | None) -> Column[T]:
    """Its argument, for checkers that see `Parcel.weight` as the field's type.

    `col(Parcel.weight).desc()` is `Parcel.weight.desc()` with the type `Column[int]`.
    """
    if not isinstance(field, Column):
        raise TypeError(f"col() takes a column such as Parcel.weight, not {type(field).__name__}")
    return field
