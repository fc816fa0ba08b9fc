"""What generated stubs say of a model's attributes and parameters. For type checkers alone.

A stub declares `label: Attr[str]`: on an instance `label` is a `str`, on the class it is a
`Column[str]`, so that `Crate.label == "x"` is a condition. The descriptors are not used at run time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, Union, overload

from ._core import Expr
from .queries._base import TSchema
from .queries.builders import BuilderQuery
from .queries.columns import Column, RelationColumn
from .queries.expressions import Condition, Expression

__all__ = [
    "AnyQuery",
    "Attr",
    "Between",
    "Column",
    "Computed",
    "Condition",
    "Expr",
    "Expression",
    "ForeignAttr",
    "ForeignPath",
    "Given",
    "ManyAttr",
    "OneOf",
    "RelationColumn",
    "TSchema",
]

AnyQuery = BuilderQuery[Any, Any]
"""A query, as the values of `in`."""

Computed = Union[Expr, AnyQuery]
"""What may stand for a value: an expression, a column, a query of one value."""

T = TypeVar("T")
M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)

# Parameters of generated methods, under short names: a stub repeats them for every field and lookup.
Given = Union[T, Computed, None]
"""A value, or what stands for it; None, too, where a column may be without a value."""
OneOf = Union[Iterable[T], AnyQuery, None]
"""The values of `in`."""
Between = Union[tuple[T, T], list[T], None]
"""The two ends of a range."""

Columns = TypeVar("Columns")
Columns_co = TypeVar("Columns_co", covariant=True)


class HasColumns(Protocol[Columns_co]):
    """A model whose stub says what its columns are when a relation leads to it."""

    @property
    def __columns__(self) -> Columns_co: ...


class UnknownColumns(RelationColumn[M]):
    """The columns of a model that has no stub."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class Attr(Generic[T]):
    """A field: a `T` on instances, a `Column[T]` on the class."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: Any, /) -> Column[T]: ...
        @overload
        def __get__(self, instance: object, owner: Any, /) -> T: ...
        def __get__(self, instance: Any, owner: Any, /) -> Any: ...
        def __set__(self, instance: Any, value: T, /) -> None: ...


class ForeignAttr(Generic[M_co]):
    """A relation to one row: the related instance on instances; on the class, the target's columns."""

    if TYPE_CHECKING:

        @overload
        def __get__(self: ForeignAttr[HasColumns[Columns]], instance: None, owner: Any, /) -> Columns: ...
        @overload
        def __get__(
            self: ForeignAttr[HasColumns[Columns] | None], instance: None, owner: Any, /
        ) -> Columns: ...
        @overload
        def __get__(self, instance: None, owner: Any, /) -> UnknownColumns[M_co]: ...
        @overload
        def __get__(self, instance: object, owner: Any, /) -> M_co: ...
        def __get__(self, instance: Any, owner: Any, /) -> Any: ...
        def __set__(
            self,
            instance: Any,
            value: M_co,  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
            /,
        ) -> None: ...


class ForeignPath(Generic[M_co]):
    """A relation to one row among the columns of a model: the columns of the next one."""

    if TYPE_CHECKING:

        @overload
        def __get__(self: ForeignPath[HasColumns[Columns]], instance: Any, owner: Any, /) -> Columns: ...
        @overload
        def __get__(
            self: ForeignPath[HasColumns[Columns] | None], instance: Any, owner: Any, /
        ) -> Columns: ...
        @overload
        def __get__(self, instance: Any, owner: Any, /) -> UnknownColumns[M_co]: ...
        def __get__(self, instance: Any, owner: Any, /) -> Any: ...


class ManyAttr(Generic[M]):
    """A relation to many rows: a list on instances; on the class it has `any()`."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: Any, /) -> RelationColumn[M]: ...
        @overload
        def __get__(self, instance: object, owner: Any, /) -> list[M]: ...
        def __get__(self, instance: Any, owner: Any, /) -> Any: ...
        def __set__(self, instance: Any, value: list[M], /) -> None: ...
