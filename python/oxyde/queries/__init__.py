"""Queries: `Model.objects`, conditions, expressions, aggregates and functions."""

from typing import TYPE_CHECKING, Any

from .. import _core
from .aggregates import (
    Aggregate,
    ArrayAgg,
    Avg,
    BoolAnd,
    BoolOr,
    Count,
    Max,
    Min,
    StdDev,
    StringAgg,
    Sum,
    Variance,
)
from .columns import Column, col
from .expressions import (
    Case,
    Cast,
    Condition,
    Excluded,
    Exists,
    Expression,
    F,
    OuterRef,
    RawSQL,
    Subquery,
    Value,
    When,
)
from .functions import (
    Abs,
    Ceil,
    Coalesce,
    Concat,
    Extract,
    Floor,
    Greatest,
    JSONObject,
    Least,
    Left,
    Length,
    Lower,
    LTrim,
    Mod,
    Now,
    NullIf,
    Power,
    Random,
    Replace,
    Right,
    Round,
    RTrim,
    Sqrt,
    StrIndex,
    Substr,
    Trim,
    Trunc,
    Upper,
)
from .manager import QueryManager
from .prefetch import Prefetch
from .q import Q
from .query import Query
from .raw import execute_raw, fetch_as
from .values import FlatValuesListQuery, ValuesListQuery, ValuesQuery
from .windows import (
    CumeDist,
    DenseRank,
    FirstValue,
    Lag,
    LastValue,
    Lead,
    NthValue,
    Ntile,
    PercentRank,
    Rank,
    RowNumber,
    RowRange,
    ValueRange,
    Window,
)

if TYPE_CHECKING:
    from ..models._related import RelatedManager

__all__ = [
    "Abs",
    "Aggregate",
    "ArrayAgg",
    "Avg",
    "BoolAnd",
    "BoolOr",
    "Case",
    "Cast",
    "Ceil",
    "Coalesce",
    "Column",
    "Concat",
    "Condition",
    "Count",
    "CumeDist",
    "DenseRank",
    "Excluded",
    "Exists",
    "Expression",
    "Extract",
    "F",
    "FirstValue",
    "FlatValuesListQuery",
    "Floor",
    "Greatest",
    "JSONObject",
    "LTrim",
    "Lag",
    "LastValue",
    "Lead",
    "Least",
    "Left",
    "Length",
    "Lower",
    "Max",
    "Min",
    "Mod",
    "Now",
    "NthValue",
    "Ntile",
    "NullIf",
    "OuterRef",
    "PercentRank",
    "Power",
    "Prefetch",
    "Q",
    "Query",
    "QueryManager",
    "RTrim",
    "Random",
    "Rank",
    "RawSQL",
    "RelatedManager",
    "Replace",
    "Right",
    "Round",
    "RowNumber",
    "RowRange",
    "Sqrt",
    "StdDev",
    "StrIndex",
    "StringAgg",
    "Subquery",
    "Substr",
    "Sum",
    "Trim",
    "Trunc",
    "Upper",
    "Value",
    "ValueRange",
    "ValuesListQuery",
    "ValuesQuery",
    "Variance",
    "When",
    "Window",
    "col",
    "execute_raw",
    "fetch_as",
]

_core.use_plain_expressions(Q, Condition, F, Value)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name != "RelatedManager":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # It needs models, which need queries.
        from ..models._related import RelatedManager

        globals()[name] = RelatedManager
        return RelatedManager
