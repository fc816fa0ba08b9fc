"""Rows for the models of `routes`, and what conditions and aggregates over them mean in Python.

Truth has three values, as in SQL: a condition is True, False or None (unknown).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from routes import Badge, Crate, CrateTag, Grade, Hall, Land, Tag

Row = dict[str, Any]

ROWS: dict[type, list[Row]] = {
    Land: [
        {"id": 1, "code": "n", "parent_id": None},
        {"id": 2, "code": "ne", "parent_id": 1},
        {"id": 3, "code": "nw", "parent_id": 1},
        {"id": 4, "code": "ne", "parent_id": 2},
        {"id": 5, "code": "s", "parent_id": None},
    ],
    Hall: [
        {"id": 1, "label": "a", "grade": Grade.A, "land_id": 1},
        {"id": 2, "label": "b", "grade": Grade.B, "land_id": 2},
        {"id": 3, "label": None, "grade": Grade.B, "land_id": 2},
        {"id": 4, "label": "a", "grade": Grade.A, "land_id": None},
        {"id": 5, "label": "b", "grade": Grade.A, "land_id": 4},
        {"id": 6, "label": "c", "grade": Grade.B, "land_id": 1},
    ],
    Badge: [
        {"number": "x1", "hall_id": 1, "until": None},
        {"number": "x2", "hall_id": 3, "until": None},
        {"number": "x3", "hall_id": None, "until": None},
    ],
    Crate: [
        {"id": 1, "ref": "r1", "weight": 1, "hall_id": 1},
        {"id": 2, "ref": "r2", "weight": 2, "hall_id": 1},
        {"id": 3, "ref": "r3", "weight": None, "hall_id": 1},
        {"id": 4, "ref": "r4", "weight": 2, "hall_id": 2},
        {"id": 5, "ref": "r5", "weight": 3, "hall_id": 2},
        {"id": 6, "ref": "r6", "weight": None, "hall_id": 3},
        {"id": 7, "ref": "r7", "weight": 3, "hall_id": None},
        {"id": 8, "ref": "r8", "weight": None, "hall_id": None},
        {"id": 9, "ref": "r9", "weight": 1, "hall_id": 5},
        {"id": 10, "ref": "r10", "weight": 3, "hall_id": 5},
    ],
    Tag: [
        {"id": 1, "text": "p"},
        {"id": 2, "text": "q"},
        {"id": 3, "text": None},
        {"id": 4, "text": "p"},
    ],
    CrateTag: [
        {"id": 1, "crate_id": 1, "tag_id": 1},
        {"id": 2, "crate_id": 1, "tag_id": 1},
        {"id": 3, "crate_id": 1, "tag_id": 2},
        {"id": 4, "crate_id": 2, "tag_id": 3},
        {"id": 5, "crate_id": 4, "tag_id": 4},
        {"id": 6, "crate_id": 5, "tag_id": None},
        {"id": 7, "crate_id": None, "tag_id": 2},
        {"id": 8, "crate_id": 7, "tag_id": 2},
        {"id": 9, "crate_id": 9, "tag_id": 1},
    ],
}

FIELDS: dict[type, dict[str, list[Any]]] = {
    Land: {"id": [1, 2, 4], "code": ["n", "ne", "z"]},
    Hall: {"id": [1, 3, 5], "label": ["a", "b", "z"], "grade": [Grade.A, Grade.B]},
    Badge: {"number": ["x1", "x2", "z"]},
    Crate: {"id": [1, 4, 7], "ref": ["r1", "r4", "z"], "weight": [1, 2, 3]},
    Tag: {"id": [1, 2, 3], "text": ["p", "q", "z"]},
}

# name -> target, field here, field there, whether it leads to many rows
RELATIONS: dict[type, dict[str, tuple[Any, str, str, bool]]] = {
    Land: {
        "parent": (Land, "parent_id", "id", False),
        "children": (Land, "id", "parent_id", True),
        "halls": (Hall, "id", "land_id", True),
    },
    Hall: {
        "land": (Land, "land_id", "id", False),
        "crates": (Crate, "id", "hall_id", True),
        "badge": (Badge, "id", "hall_id", False),
    },
    Badge: {"hall": (Hall, "hall_id", "id", False)},
    Crate: {"hall": (Hall, "hall_id", "id", False), "tags": (Tag, "crate_id", "tag_id", True)},
    Tag: {"crates": (Crate, "tag_id", "crate_id", True)},
}

KEYS: dict[type, str] = {Land: "id", Hall: "id", Badge: "number", Crate: "id", Tag: "id"}


async def fill() -> None:
    """Every row into its table; on the default connection."""
    for model in (Land, Hall, Badge, Crate, Tag, CrateTag):
        await model.objects.bulk_create([{**row} for row in ROWS[model]])


def related(model: type, row: Row, name: str) -> list[Row]:
    """The rows at the other end of a relation, once for each link."""
    target, here, there, _ = RELATIONS[model][name]
    if row["number" if model is Badge else "id"] is None:
        return []
    if {model, target} == {Crate, Tag}:
        links = [link[there] for link in ROWS[CrateTag] if link[here] == row["id"]]
        return [other for key in links for other in ROWS[target] if other["id"] == key]
    if row[here] is None:
        return []
    return [other for other in ROWS[target] if other[there] == row[here]]


def follow(model: type, row: Row, path: Iterable[str]) -> list[Row]:
    """The rows that a path of relations leads to, once for each way."""
    rows = [row]
    for name in path:
        rows = [other for at in rows for other in related(model, at, name)]
        model = RELATIONS[model][name][0]
    return rows


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool | None]:
    return lambda left, right: None if left is None else compare(left, right)


OPERATORS: dict[str, Callable[[Any, Any], bool | None]] = {
    "exact": lambda left, right: left is None if right is None else None if left is None else left == right,
    "ne": lambda left, right: left is not None if right is None else None if left is None else left != right,
    "gt": _ordered(lambda left, right: left > right),
    "lte": _ordered(lambda left, right: left <= right),
    "in": _ordered(lambda left, right: left in right),
    "isnull": lambda left, right: (left is None) == right,
}


def every(truths: Iterable[bool | None]) -> bool | None:
    """AND."""
    known = list(truths)
    return False if False in known else None if None in known else True


def some(truths: Iterable[bool | None]) -> bool | None:
    """OR."""
    known = list(truths)
    return True if True in known else None if None in known else False


Lookup = tuple[tuple[str, ...], str, Any]  # path, lookup, value


def holds(model: type, row: Row, lookups: list[Lookup]) -> bool | None:
    """What the keywords of one call say of a row: those about many rows are about one of them."""
    truths: list[bool | None] = []
    groups: dict[str, list[Lookup]] = {}
    for path, lookup, value in lookups:
        name, rest = path[0], path[1:]
        relation = RELATIONS[model].get(name)
        absence = not rest and (lookup == "isnull" or value is None)
        if relation is None:
            truths.append(OPERATORS[lookup](row[name], value))
        elif relation[3] and absence:
            present = value is False if lookup == "isnull" else lookup == "ne"
            truths.append(bool(related(model, row, name)) == present)
        else:
            groups.setdefault(name, []).append((rest or (KEYS[relation[0]],), lookup, value))
    for name, inner in groups.items():
        target, _, _, many = RELATIONS[model][name]
        others = related(model, row, name)
        if many:
            truths.append(any(holds(target, other, inner) is True for other in others))
        else:
            truths.append(holds(target, others[0] if others else nothing(target), inner))
    return every(truths)


def nothing(model: type) -> Row:
    """What a LEFT JOIN gives where there is no row."""
    return dict.fromkeys((*FIELDS[model], *(relation[1] for relation in RELATIONS[model].values())))
