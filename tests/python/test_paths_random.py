"""Random conditions across relations select what a plain reading of the rows selects."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import route_rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from route_rows import FIELDS, KEYS, OPERATORS, RELATIONS, ROWS, Lookup
from routes import Crate, Hall, Land, Tag, routes
from servers import Server

from oxyde import Q

PROFILE = settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))


class Home:
    """The filled tables on a server, for all examples."""

    def __init__(self, server: Server) -> None:
        self.loop = asyncio.new_event_loop()
        self.tables = routes(server)
        self.loop.run_until_complete(self._open())

    async def _open(self) -> None:
        await self.tables.__aenter__()
        await route_rows.fill()

    def keys(self, query: Any) -> list[int]:
        rows: list[int] = self.loop.run_until_complete(query.values_list("id", flat=True).all())
        return sorted(rows)

    def close(self) -> None:
        self.loop.run_until_complete(self.tables.__aexit__(None, None, None))
        self.loop.close()


@pytest.fixture(scope="module")
def home(fresh_database: Server) -> Iterator[Home]:
    home = Home(fresh_database)
    yield home
    home.close()


# --- conditions -------------------------------------------------------------------------------


@st.composite
def lookups(draw: st.DrawFn, model: type, depth: int = 3) -> Lookup:
    path: list[str] = []
    while depth and draw(st.integers(0, 3)):
        name = draw(st.sampled_from(sorted(RELATIONS[model])))
        path.append(name)
        model = RELATIONS[model][name][0]
        depth -= 1
    ends_in_relation = bool(path) and draw(st.integers(0, 4)) == 0
    if not ends_in_relation:
        path.append(draw(st.sampled_from(sorted(FIELDS[model]))))
    values = FIELDS[model][KEYS[model] if ends_in_relation else path[-1]]
    plain = ends_in_relation or path[-1] == "grade"
    lookup = draw(st.sampled_from(sorted(set(OPERATORS) - {"gt", "lte"} if plain else set(OPERATORS))))
    if lookup == "isnull":
        return tuple(path), lookup, draw(st.booleans())
    if lookup == "in":
        return tuple(path), lookup, draw(st.lists(st.sampled_from(values), max_size=2))
    null = st.none() if lookup in ("exact", "ne") else st.nothing()
    return tuple(path), lookup, draw(st.sampled_from(values) | null)


def groups(model: type) -> st.SearchStrategy[tuple[str, list[Lookup]]]:
    """The keywords of one Q: different ones, as a call can have."""
    many = st.lists(lookups(model), min_size=1, max_size=3, unique_by=lambda item: item[:2])
    return st.tuples(st.just("Q"), many)


def conditions(model: type) -> st.SearchStrategy[Any]:
    return st.recursive(
        groups(model),
        lambda inner: (
            st.tuples(st.sampled_from(["and", "or"]), inner, inner) | st.tuples(st.just("not"), inner)
        ),
        max_leaves=4,
    )


def as_q(condition: Any) -> Q:
    kind, *parts = condition
    if kind == "Q":
        return Q(**{"__".join((*path, lookup)): value for path, lookup, value in parts[0]})
    if kind == "not":
        return ~as_q(parts[0])
    left, right = map(as_q, parts)
    return left & right if kind == "and" else left | right


def truth(model: type, row: route_rows.Row, condition: Any) -> bool | None:
    kind, *parts = condition
    if kind == "Q":
        return route_rows.holds(model, row, parts[0])
    if kind == "not":
        return truth(model, row, parts[0]) is not True
    truths = [truth(model, row, part) for part in parts]
    return route_rows.every(truths) if kind == "and" else route_rows.some(truths)


@pytest.mark.parametrize("model", [Land, Hall, Crate, Tag])
def test_conditions_mean_what_they_say(home: Home, model: Any) -> None:
    @PROFILE
    @given(conditions(model))
    def examples(condition: Any) -> None:
        expected = [row["id"] for row in ROWS[model] if truth(model, row, condition) is True]
        assert home.keys(model.objects.filter(as_q(condition))) == sorted(expected)
        rest = [row["id"] for row in ROWS[model] if row["id"] not in expected]
        assert home.keys(model.objects.exclude(as_q(condition))) == sorted(rest)

    examples()


@pytest.mark.parametrize("model", [Land, Hall, Crate, Tag])
def test_keywords_of_one_call_mean_what_those_of_a_q_mean(home: Home, model: Any) -> None:
    @PROFILE
    @given(groups(model), groups(model))
    def examples(first: Any, second: Any) -> None:
        query = model.objects
        for _, given_ in (first, second):
            query = query.filter(**{"__".join((*path, lookup)): value for path, lookup, value in given_})
        expected = [
            row["id"]
            for row in ROWS[model]
            if all(route_rows.holds(model, row, part[1]) is True for part in (first, second))
        ]
        assert home.keys(query) == sorted(expected)

    examples()
