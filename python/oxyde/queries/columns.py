"""Typed column expressions: what `Parcel.weight` is on a table class."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from .. import _core
from .._core import X_NAME
from .expressions import Condition, Expression

__all__ = ["Column", "Condition", "col", "column_of"]

T = TypeVar("T")


class Column(Expression, Generic[T]):
    """A field of a model; equals `F(name)` and carries the type for checkers."""

    __slots__ = ("model",)

    model: type

    def __repr__(self) -> str:
        return f"{self.model.__name__}.{self.data}"


def column_of(model: type, name: str) -> Column[Any]:
    """The column expression of a field; made once per field by the model's class."""
    column: Column[Any] = _core.Expr.__new__(Column, X_NAME, 0, (), name)
    column.model = model
    return column


def col(field: T | None) -> Column[T]:
    """Its argument, for checkers that see `Parcel.weight` as the field's type.

    `col(Parcel.weight).desc()` is `Parcel.weight.desc()` with the type `Column[int]`.
    """
    if not isinstance(field, Column):
        raise TypeError(f"col() takes a column such as Parcel.weight, not {type(field).__name__}")
    return field
