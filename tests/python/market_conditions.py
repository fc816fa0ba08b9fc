"""Random conditions over the models of `market`: as the package takes them, and what they mean.

A condition is ("keywords", [Lookup, …]), ("column", Lookup), ("any", relation, [Lookup, …]),
("compare", expression, operator, expression), ("not", c), ("and", c, c) or ("or", c, c).
"""

from __future__ import annotations

import operator
from functools import cache
from typing import Any, NamedTuple

from evaluate import (
    ARRAY_LOOKUPS,
    JSON_LOOKUPS,
    LOOKUPS,
    contains,
    every,
    json_at,
    json_lookup,
    part_lookup,
    some,
)
from hypothesis import strategies as st
from market import DOCUMENTS, MARKS, RELATIONS, VALUES, Label, Maker, Row, Ware
from market_expressions import built, numbers, texts, value

from oxyde import Q

COMPARISONS = ("gt", "gte", "lt", "lte")
PLAIN = ("exact", "ne", "in", "isnull")
TEXTUAL = ("contains", "startswith", "endswith", "icontains", "istartswith", "iendswith", "iexact")
# Patterns that mean the same in the regular expressions of all databases.
PATTERNS = ["^p", "an$", "[0-9]+", "^(plain|Plain)$", "a.b", "^$", "P[A-Z]+", "^[^a-z]"]
DATE_PARTS = ("year", "iso_year", "quarter", "week", "week_day", "iso_week_day")
TIME_PARTS = ("hour", "minute", "second")
KEY_PATHS = (("a",), ("b",), ("a", "b"), ("a", "c", "1", "d"), ("a", "0"), ("é",), ("no",))
PARTIAL = [{"a": 1}, {"a": {"b": 2}}, {"a": [2]}, {"b": ["y"]}, {"a": None}, {}, {"a": {"c": [{"d": 3}]}}]


def _loose(whole: Any, part: Any) -> bool:
    """Containment as MySQL has it: an array also contains what is no array but one of its elements."""
    if isinstance(whole, list) and not isinstance(part, list):
        return any(_loose(one, part) for one in whole)
    if isinstance(whole, list):
        return all(any(_loose(one, value) for one in whole) for value in part)
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and _loose(whole[key], value) for key, value in part.items())
    return contains(whole, part)


# Those about which all databases agree; test_containment_of_one_element names the others.
CONTAINED = [
    part
    for part in DOCUMENTS + PARTIAL
    if all(
        contains(one, part) == _loose(one, part) and contains(part, one) == _loose(part, one)
        for one in DOCUMENTS
    )
]


class Lookup(NamedTuple):
    """`path` of relations, a field, what follows it (a part of a date, JSON keys), lookup and value."""

    path: tuple[str, ...]
    field: str
    tail: tuple[str, ...]
    lookup: str
    value: Any

    @property
    def keyword(self) -> str:
        plain = self.lookup == "exact" and self.tail in (("month",), ("day",))
        return "__".join((*self.path, self.field, *self.tail, *(() if plain else (self.lookup,))))


# --- drawing ------------------------------------------------------------------------------------


def _sorts(model: type, field: str) -> tuple[str, ...]:
    """The lookups that fit a field by name; those of arrays, documents and dates are drawn apart."""
    if field in ("title", "code", "name", "city", "word"):
        return (*PLAIN, *COMPARISONS, *TEXTUAL, "between", "regex", "iregex")
    if field in ("live", "kind"):
        return PLAIN
    return (*PLAIN, *COMPARISONS, "between", "range")


@st.composite
def _plain(draw: st.DrawFn, model: type, path: tuple[str, ...]) -> Lookup:
    field = draw(st.sampled_from(sorted(VALUES[model])))
    values = VALUES[model][field]
    lookup = draw(st.sampled_from(_sorts(model, field)))
    if lookup == "isnull":
        return Lookup(path, field, (), lookup, draw(st.booleans()))
    if lookup in ("regex", "iregex"):
        return Lookup(path, field, (), lookup, draw(st.sampled_from(PATTERNS)))
    if lookup == "in":
        given = draw(st.lists(st.sampled_from(values) | st.none(), max_size=4))
        return Lookup(path, field, (), lookup, given)
    if lookup in ("between", "range"):
        return Lookup(path, field, (), lookup, [draw(st.sampled_from(values)) for _ in range(2)])
    null = st.none() if lookup in ("exact", "ne", "iexact") else st.nothing()
    return Lookup(path, field, (), lookup, draw(st.sampled_from(values) | null))


@st.composite
def _dated(draw: st.DrawFn, path: tuple[str, ...]) -> Lookup:
    field = draw(st.sampled_from(["made", "due"]))
    if draw(st.integers(0, 2)) == 0:
        part = draw(st.sampled_from(["month", "day", "year", "date"]))
        moment = draw(st.sampled_from(VALUES[Ware]["due"]))
        parts = {
            "year": moment.year,
            "month": (moment.year, moment.month),
            "day": (moment.year, moment.month, moment.day),
            "date": moment,
        }
        return Lookup(path, field, (part,), "exact", parts[part])
    times = TIME_PARTS if field == "made" else ()
    part = draw(st.sampled_from((*DATE_PARTS, *times)))
    lookup = draw(st.sampled_from(("exact", "ne", *COMPARISONS)))
    top = 2033 if "year" in part and part != "iso_week_day" else 60
    low = 1999 if top == 2033 else 0
    return Lookup(path, field, (part,), lookup, draw(st.integers(low, top)))


_WORD = st.sampled_from(sorted({word for marks in MARKS for word in marks} | {"z"}))
WORDS = st.sampled_from(MARKS) | st.lists(_WORD, min_size=1, max_size=3)


@st.composite
def _listed(draw: st.DrawFn, path: tuple[str, ...]) -> Lookup:
    lookup = draw(st.sampled_from(sorted(ARRAY_LOOKUPS)))
    if lookup == "isnull":
        return Lookup(path, "marks", (), lookup, draw(st.booleans()))
    if lookup == "len":
        return Lookup(path, "marks", (), lookup, draw(st.integers(0, 3)))
    return Lookup(path, "marks", (), lookup, draw(WORDS))


@st.composite
def _document(draw: st.DrawFn, path: tuple[str, ...]) -> Lookup:  # noqa: PLR0911
    if draw(st.booleans()):
        lookup = draw(st.sampled_from(sorted(JSON_LOOKUPS)))
        keys = st.sampled_from(["a", "b", "é", "z"])
        if lookup == "has_key":
            return Lookup(path, "extra", (), lookup, draw(keys))
        if lookup in ("has_keys", "has_any_keys"):
            return Lookup(path, "extra", (), lookup, draw(st.lists(keys, min_size=1, max_size=3)))
        documents = CONTAINED if "contain" in lookup else DOCUMENTS
        return Lookup(path, "extra", (), lookup, draw(st.sampled_from(documents)))
    tail = draw(st.sampled_from(KEY_PATHS))
    given = draw(st.sampled_from([1, 2, 2.5, 3, "1", "x", "Xylo", True, False, None, {"b": 2}, [1, 2]]))
    if given is None:
        lookup = draw(st.sampled_from(["exact", "isnull"]))
        return Lookup(path, "extra", tail, lookup, draw(st.booleans()) if lookup == "isnull" else None)
    if isinstance(given, bool):
        return Lookup(path, "extra", tail, draw(st.sampled_from(["exact", "ne"])), given)
    if isinstance(given, (dict, list)):
        return Lookup(path, "extra", tail, draw(st.sampled_from(["exact", "contains"])), given)
    words = ("contains", "icontains", "startswith", "iexact") if isinstance(given, str) else ()
    return Lookup(path, "extra", tail, draw(st.sampled_from(("exact", "ne", *COMPARISONS, *words))), given)


@st.composite
def lookups(draw: st.DrawFn, model: type, depth: int = 2, many: bool = True) -> Lookup:
    path: tuple[str, ...] = ()
    while depth and draw(st.integers(0, 2)) == 0:
        names = sorted(name for name, to in RELATIONS[model].items() if many or not to.many)
        if not names:
            break
        name = draw(st.sampled_from(names))
        path, model, depth = (*path, name), RELATIONS[model][name].target, depth - 1
    if model is not Ware:
        return draw(_plain(model, path))
    sort = draw(st.integers(0, 9))
    special = {7: _dated, 8: _listed, 9: _document}.get(sort)
    return draw(_plain(model, path) if special is None else special(path))


@cache
def conditions(model: type) -> st.SearchStrategy[Any]:
    """Trees of conditions about rows of a model."""
    several = st.lists(lookups(model), min_size=1, max_size=3, unique_by=lambda one: one.keyword)
    leaves = st.tuples(st.just("keywords"), several) | st.tuples(
        st.just("column"), lookups(model, many=False).filter(lambda one: one.lookup in COLUMN)
    )
    if model is Ware:
        side = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
        leaves |= st.tuples(st.just("compare"), numbers(), side, numbers())
        leaves |= st.tuples(st.just("compare"), texts(), side, texts())
        inner = st.lists(lookups(Label, depth=0), max_size=2, unique_by=lambda one: one.keyword)
        leaves |= st.tuples(st.just("any"), st.just("labels"), inner)
    return st.recursive(
        leaves,
        lambda inner: (
            st.tuples(st.sampled_from(["and", "or"]), inner, inner) | st.tuples(st.just("not"), inner)
        ),
        max_leaves=4,
    )


# --- as the package takes them --------------------------------------------------------------------

COLUMN: dict[str, Any] = {
    "exact": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": lambda column, given: column.in_(given),
    "between": lambda column, given: column.between(*given),
    "isnull": lambda column, given: column.is_null() if given else column.is_not_null(),
    "contains": lambda column, given: column.contains(given),
    "icontains": lambda column, given: column.icontains(given),
    "startswith": lambda column, given: column.startswith(given),
    "istartswith": lambda column, given: column.istartswith(given),
    "endswith": lambda column, given: column.endswith(given),
    "iendswith": lambda column, given: column.iendswith(given),
    "iexact": lambda column, given: column.iexact(given),
    "regex": lambda column, given: column.regex(given),
    "iregex": lambda column, given: column.iregex(given),
}
COMPARE = {
    "==": ("exact", operator.eq),
    "!=": ("ne", operator.ne),
    "<": ("lt", operator.lt),
    "<=": ("lte", operator.le),
    ">": ("gt", operator.gt),
    ">=": ("gte", operator.ge),
}


def _keywords(found: list[Lookup]) -> dict[str, Any]:
    return {one.keyword: one.value for one in found}


def as_condition(model: Any, condition: Any) -> Any:  # noqa: PLR0911
    """The `Q` or condition of a tree."""
    kind, *parts = condition
    if kind == "keywords":
        return Q(**_keywords(parts[0]))
    if kind == "column":
        one = parts[0]
        if one.tail:
            return Q(**_keywords([one]))
        column = model
        for name in (*one.path, one.field):
            column = getattr(column, name)
        return COLUMN[one.lookup](column, one.value)
    if kind == "any":
        return getattr(model, parts[0]).any(Q(**_keywords(parts[1])))
    if kind == "compare":
        return COMPARE[parts[1]][1](built(parts[0]), built(parts[2]))
    if kind == "not":
        return ~as_condition(model, parts[0])
    left, right = (as_condition(model, part) for part in parts)
    return left & right if kind == "and" else left | right


# --- what they mean -------------------------------------------------------------------------------


def truth(model: type, row: Row, condition: Any) -> bool | None:
    """Whether a row is meant: True, False or None for unknown."""
    kind, *parts = condition
    if kind == "keywords":
        return _holds(model, row, parts[0])
    if kind == "column":
        return _holds(model, row, [parts[0]])
    if kind == "any":
        to = RELATIONS[model][parts[0]]
        return any(_holds(to.target, other, parts[1]) is True for other in to.walk(row))
    if kind == "compare":
        left, right = value(row, parts[0]), value(row, parts[2])
        return None if right is None else LOOKUPS[COMPARE[parts[1]][0]](left, right)
    if kind == "not":
        return truth(model, row, parts[0]) is not True
    truths = [truth(model, row, part) for part in parts]
    return every(truths) if kind == "and" else some(truths)


def _holds(model: type, row: Row, found: list[Lookup]) -> bool | None:
    """The keywords of one call: those that go through the same relation to many are about one row."""
    truths: list[bool | None] = []
    groups: dict[str, list[Lookup]] = {}
    for one in found:
        if one.path:
            groups.setdefault(one.path[0], []).append(one._replace(path=one.path[1:]))
        else:
            truths.append(_own(row, one))
    for name, inner in groups.items():
        to = RELATIONS[model][name]
        others = to.walk(row)
        if to.many:
            truths.append(any(_holds(to.target, other, inner) is True for other in others))
        else:
            truths.append(_holds(to.target, others[0] if others else nothing(to.target), inner))
    return every(truths)


def _own(row: Row, one: Lookup) -> bool | None:
    held = row[one.field]
    if one.field == "marks":
        return ARRAY_LOOKUPS[one.lookup](held, one.value)
    if one.field == "extra":
        if not one.tail:
            return JSON_LOOKUPS[one.lookup](held, one.value)
        if held is None:
            return (one.lookup == "isnull" and bool(one.value)) or None
        return json_lookup(json_at(held, one.tail), one.lookup, one.value)
    if one.tail:
        return part_lookup(held, one.tail[0], one.lookup, one.value)
    return LOOKUPS[one.lookup](held, one.value)


def nothing(model: type) -> Row:
    """What a LEFT JOIN gives where there is no row."""
    fields = [*VALUES[model], "maker_id", "marks", "extra"] if model is Ware else [*VALUES[model]]
    return dict.fromkeys(fields)


__all__ = ["COLUMN", "Lookup", "Maker", "as_condition", "conditions", "lookups", "nothing", "truth"]
