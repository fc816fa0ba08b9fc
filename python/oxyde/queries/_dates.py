"""`dates()` and `datetimes()`: the days, months, hours that rows lie in."""

from __future__ import annotations

import datetime
from typing import Any

from .._core import MODE_FLAT
from ._base import order_terms
from .expressions import Cast, F, name_of
from .functions import Trunc

__all__ = ["distinct_dates", "distinct_datetimes"]

_DAYS = ("year", "month", "week", "day")
_KINDS = {"dates": _DAYS, "datetimes": (*_DAYS, "hour", "minute", "second")}
_ALIAS = "oxyde__date"  # no field can be called so: paths are split at the double underscore


def _truncated(query: Any, method: str, field: Any, kind: str, order: str) -> Any:
    path = name_of(field)
    if not isinstance(path, str):
        raise TypeError(f"{method}() takes the name of a field, not {type(field).__name__}")
    if kind not in _KINDS[method]:
        raise ValueError(f"{method}(): kind is one of {', '.join(_KINDS[method])}, not {kind!r}")
    if order not in ("ASC", "DESC"):
        raise ValueError(f"{method}(): order is 'ASC' or 'DESC', not {order!r}")
    if query._sliced or query._limit >= 0 or query._offset:
        raise ValueError(f"{method}() cannot follow a slice: its dates are of all rows")
    if query._group_by is not None:
        raise ValueError(f"{method}() cannot follow group_by(): its dates are of rows")
    return query._where((), {f"{path}__isnull": False})


def _read(query: Any, expr: Any, order: str) -> Any:
    terms = order_terms([F(_ALIAS).desc() if order == "DESC" else F(_ALIAS)])
    return query._with(
        mode=MODE_FLAT,
        fields=(_ALIAS,),
        exprs=None,
        annotations={**(query._annotations or {}), _ALIAS: expr},
        distinct=True,
        distinct_on=None,
        order=terms,
        reversed=False,
        prefetches=None,
        joins=None,
        lock=None,
    )


def distinct_dates(query: Any, field: Any, kind: str, order: str) -> Any:
    """The query of the first days of all years, months, weeks or days that rows lie in."""
    chosen = _truncated(query, "dates", field, kind, order)
    return _read(chosen, Cast(Trunc(name_of(field), kind), datetime.date), order)


def distinct_datetimes(query: Any, field: Any, kind: str, order: str) -> Any:
    """The query of the beginnings of all years to seconds that rows lie in."""
    chosen = _truncated(query, "datetimes", field, kind, order)
    return _read(chosen, Trunc(name_of(field), kind), order)
