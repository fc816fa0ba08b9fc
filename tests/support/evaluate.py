"""What lookups and expressions mean, in plain Python.

Truth has three values, as in SQL: a condition is True, False or None (unknown). A missing JSON key
is `MISSING`, an SQL NULL is None. Nothing here knows of models or of the package under test.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

Truth = bool | None


class Missing:
    """The value of a key that a document does not have."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


def every(truths: Iterable[Truth]) -> Truth:
    """AND."""
    known = list(truths)
    return False if False in known else None if None in known else True


def some(truths: Iterable[Truth]) -> Truth:
    """OR."""
    known = list(truths)
    return True if True in known else None if None in known else False


def _known(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Truth]:
    return lambda left, right: None if left is None or right is None else bool(holds(left, right))


def _exact(left: Any, right: Any) -> Truth:
    return left is None if right is None else None if left is None else left == right


def _ne(left: Any, right: Any) -> Truth:
    return left is not None if right is None else None if left is None else left != right


def _iexact(left: Any, right: Any) -> Truth:
    return left is None if right is None else None if left is None else left.lower() == right.lower()


def contains(whole: Any, part: Any) -> bool:
    """Containment of documents, as PostgreSQL has it."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and contains(whole[key], value) for key, value in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        return all(any(contains(one, value) for one in whole) for value in part)
    return _kind(whole) is _kind(part) and whole == part


def _kind(value: Any) -> type:
    """Of JSON: whole numbers and fractions are of one kind, booleans are no numbers."""
    return Decimal if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value)


LOOKUPS: dict[str, Callable[[Any, Any], Truth]] = {
    "exact": _exact,
    "ne": _ne,
    "gt": _known(lambda left, right: left > right),
    "gte": _known(lambda left, right: left >= right),
    "lt": _known(lambda left, right: left < right),
    "lte": _known(lambda left, right: left <= right),
    "between": _known(lambda left, right: right[0] <= left <= right[1]),
    "range": _known(lambda left, right: right[0] <= left <= right[1]),
    # Without anything in the list it is false, not unknown: there is nothing to compare with.
    "in": lambda left, right: (
        False if not _values(right) else None if left is None else left in _values(right)
    ),
    "isnull": lambda left, right: (left is None) == bool(right),
    "contains": _known(lambda left, right: right in left),
    "startswith": _known(lambda left, right: left.startswith(right)),
    "endswith": _known(lambda left, right: left.endswith(right)),
    "icontains": _known(lambda left, right: right.lower() in left.lower()),
    "istartswith": _known(lambda left, right: left.lower().startswith(right.lower())),
    "iendswith": _known(lambda left, right: left.lower().endswith(right.lower())),
    "iexact": _iexact,
    "regex": _known(lambda left, right: re.search(right, left) is not None),
    "iregex": _known(lambda left, right: re.search(right, left, re.IGNORECASE) is not None),
}

ARRAY_LOOKUPS: dict[str, Callable[[Any, Any], Truth]] = {
    "exact": _exact,
    "ne": _ne,
    "isnull": LOOKUPS["isnull"],
    "contains": _known(lambda left, right: set(right) <= set(left)),
    "contained_by": _known(lambda left, right: set(left) <= set(right)),
    "overlap": _known(lambda left, right: not set(left).isdisjoint(right)),
    "len": _known(lambda left, right: len(left) == right),
}

JSON_LOOKUPS: dict[str, Callable[[Any, Any], Truth]] = {
    "exact": _known(lambda left, right: _kind(left) is _kind(right) and left == right),
    "ne": _known(lambda left, right: not (_kind(left) is _kind(right) and left == right)),
    "contains": _known(contains),
    "contained_by": _known(lambda left, right: contains(right, left)),
    "has_key": _known(lambda left, right: right in left),
    "has_keys": _known(lambda left, right: all(key in left for key in right)),
    "has_any_keys": _known(lambda left, right: any(key in left for key in right)),
}


def _values(listed: Iterable[Any]) -> list[Any]:
    return [value for value in listed if value is not None]


def json_at(document: Any, keys: Iterable[str]) -> Any:
    """The value at a path; a number is an index where an array stands."""
    for key in keys:
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            return MISSING
    return document


def json_lookup(found: Any, lookup: str, value: Any) -> Truth:
    """A lookup behind a path: what the document holds there is compared as the value's type is."""
    if lookup == "isnull":
        return (found is MISSING) == bool(value)
    if lookup == "exact" and value is None:
        return None if found is MISSING else found is None
    wanted = value[0] if lookup in ("in", "between", "range") and value else value
    left = None if found is MISSING or _kind(found) is not _kind(wanted) else found
    if isinstance(wanted, (dict, list)) and lookup in ("contains", "exact", "ne"):
        return JSON_LOOKUPS[lookup](left, value)
    return LOOKUPS[lookup](left, value)


# --- parts of dates -----------------------------------------------------------------------------

PARTS: dict[str, Callable[[Any], Any]] = {
    "year": lambda at: at.year,
    "iso_year": lambda at: at.isocalendar()[0],
    "quarter": lambda at: (at.month + 2) // 3,
    "month": lambda at: at.month,
    "week": lambda at: at.isocalendar()[1],
    "day": lambda at: at.day,
    "week_day": lambda at: at.isoweekday() % 7 + 1,
    "iso_week_day": lambda at: at.isoweekday(),
    "hour": lambda at: at.hour,
    "minute": lambda at: at.minute,
    "second": lambda at: at.second,
    "date": lambda at: at.date() if isinstance(at, datetime) else at,
    "time": lambda at: at.time(),
}


def part(name: str, at: Any) -> Any:
    """A part of a moment as a value."""
    return None if at is None else PARTS[name](at)


def part_lookup(at: Any, name: str, lookup: str, value: Any) -> Truth:
    """`made__month=(2031, 12)` is that month; every other part compares the extracted value."""
    if lookup == "exact" and name in ("month", "day"):
        fields = (at.year, at.month, at.day)[: len(value)] if at is not None else None
        return None if at is None else fields == tuple(value)
    return LOOKUPS[lookup](part(name, at), value)


def trunc(unit: str, at: Any) -> Any:
    """The start of the unit in which a moment lies."""
    if at is None:
        return None
    day = at.date() if isinstance(at, datetime) else at
    starts = {
        "year": day.replace(month=1, day=1) if isinstance(day, date) else None,
        "quarter": day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "month": day.replace(day=1),
        "week": day - timedelta(days=day.weekday()),
        "day": day,
    }
    if unit in starts:
        return datetime.combine(starts[unit], time()) if isinstance(at, datetime) else starts[unit]
    fields = {"hour": ("minute", "second"), "minute": ("second",), "second": ()}[unit]
    return at.replace(microsecond=0, **dict.fromkeys(fields, 0))


# --- functions ----------------------------------------------------------------------------------


def _strict(compute: Callable[..., Any]) -> Callable[..., Any]:
    """NULL where an argument is NULL."""
    return lambda *args: None if None in args else compute(*args)


def _round(number: Any, places: int = 0) -> Any:
    if isinstance(number, int):
        return number
    exact = Fraction(number) * 10**places
    away = Fraction(math.floor(abs(exact) + Fraction(1, 2)), 10**places) * (1 if exact >= 0 else -1)
    if isinstance(number, float):
        return float(away)
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _substr(text: str, start: int, length: int | None = None) -> str:
    return text[start - 1 :] if length is None else text[start - 1 : start - 1 + length]


def _floor_div(a: Any, b: Any) -> Any:
    if isinstance(a, Decimal) or isinstance(b, Decimal):
        return Decimal(math.floor(Fraction(a) / Fraction(b)))
    return a // b


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "+": _strict(lambda a, b: a + b),
    "-": _strict(lambda a, b: a - b),
    "*": _strict(lambda a, b: a * b),
    "/": _strict(lambda a, b: a / b),
    # Python's // and % of decimals cut toward zero; everywhere else they floor, and so here.
    "//": _strict(_floor_div),
    "%": _strict(lambda a, b: a - b * _floor_div(a, b)),
    "Abs": _strict(abs),
    "Ceil": _strict(math.ceil),
    "Floor": _strict(math.floor),
    "Round": _strict(_round),
    "Coalesce": _first,
    "NullIf": lambda a, b: None if a is not None and b is not None and a == b else a,
    "Greatest": lambda *args: max(_values(args), default=None),
    "Least": lambda *args: min(_values(args), default=None),
    "Lower": _strict(str.lower),
    "Upper": _strict(str.upper),
    "Length": _strict(len),
    "Trim": _strict(lambda text: text.strip(" ")),
    "LTrim": _strict(lambda text: text.lstrip(" ")),
    "RTrim": _strict(lambda text: text.rstrip(" ")),
    "Left": _strict(lambda text, n: text[:n]),
    "Right": _strict(lambda text, n: text[-n:] if n else ""),
    "Substr": _strict(_substr),
    "Replace": _strict(lambda text, old, new: text.replace(old, new)),
    "StrIndex": _strict(lambda text, part: text.find(part) + 1),
    "Concat": lambda *texts: "".join(_values(texts)),
}


# --- aggregates ---------------------------------------------------------------------------------


def aggregate(name: str, values: list[Any], distinct: bool = False) -> Any:
    """An aggregate over the values of a group, NULLs among them."""
    known = _values(values)
    if distinct:
        known = list(dict.fromkeys(known))
    if name == "Count":
        return len(known)
    if not known:
        return None
    if name in ("Max", "Min"):
        return max(known) if name == "Max" else min(known)
    total = sum(known[1:], known[0])
    if name == "Sum":
        return total
    exact = Fraction(0)
    for value in known:
        exact += Fraction(value)
    return float(exact / len(known)) if not isinstance(total, Decimal) else exact / len(known)
