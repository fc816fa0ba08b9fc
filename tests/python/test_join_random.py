"""Rows from join() against rows put together in Python, over random trees with NULLs."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from parcels import served
from servers import Server

from oxyde import Field, Model, db, is_loaded

N = 60


class Leaf(Model):
    """`parent` is also what the table is called: the joined ones need other names."""

    id: int | None = Field(default=None, db_pk=True)
    text: str
    parent: Leaf | None = None
    second: Leaf | None = None
    a_b: Leaf | None = None
    a: Twig | None = None

    class Meta:
        is_table = True
        table_name = "parent"


class Twig(Model):
    """With a key of text, and a way back."""

    code: str = Field(db_pk=True, max_length=20)
    b: Leaf | None = None
    only: Leaf | None = Field(default=None, db_unique=True)

    class Meta:
        is_table = True
        table_name = "twigs"


PATHS = ["parent", "second", "a", "a_b", "a__b", "a__only", "parent__parent", "parent__a__b", "second__a"]


@pytest_asyncio.fixture(autouse=True)
async def tree(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with served(fresh_database, [Leaf, Twig]) as database:
        chance = random.Random(7)
        await Leaf.objects.bulk_create([Leaf(id=n, text=f"leaf {n} ö") for n in range(1, N + 1)])
        await Twig.objects.bulk_create(
            [
                Twig(code=f"twig {n}", b_id=chance.choice([None, *range(1, N)]), only_id=n if n % 3 else None)
                for n in range(1, 12)
            ]
        )
        for leaf in await Leaf.objects.all():
            leaf.parent_id = chance.choice([None, *range(1, 8)])
            leaf.second_id = chance.choice([None, None, *range(1, N + 1)])
            leaf.a_b_id = chance.choice([None, *range(1, 4)])
            leaf.a_code = chance.choice([None, *(f"twig {n}" for n in range(1, 12))])
            await leaf.save()
        yield database


def shown(row: Any, loaded: list[list[str]]) -> Any:
    """What a row and the given paths from it hold; says so where a path is not loaded."""
    if row is None:
        return None
    names = dict.fromkeys(path[0] for path in loaded)
    values = {name: getattr(row, name) for name in type(row)._db_meta.columns}
    for name in names:
        assert is_loaded(row, name)
        values[name] = shown(getattr(row, name), [p[1:] for p in loaded if p[0] == name and p[1:]])
    return values


def expected(row: Any, tables: dict[str, dict[Any, Any]], loaded: list[list[str]]) -> Any:
    """The same, from plain rows by key."""
    if row is None:
        return None
    keys = {"a": ("twigs", "a_code")}
    values = {name: getattr(row, name) for name in type(row)._db_meta.columns}
    for name in dict.fromkeys(path[0] for path in loaded):
        table, id_field = keys.get(name, ("leaves", f"{name}_id"))
        other = tables[table].get(getattr(row, id_field))
        values[name] = expected(other, tables, [p[1:] for p in loaded if p[0] == name and p[1:]])
    return values


@pytest.mark.parametrize("seed", range(6))
async def test_joined_rows_are_those_of_the_tables(seed: int) -> None:
    chance = random.Random(seed)
    tables = {
        "leaves": {row.id: row for row in await Leaf.objects.all()},
        "twigs": {row.code: row for row in await Twig.objects.all()},
    }
    for _ in range(4):
        paths = chance.sample(PATHS, chance.randint(1, len(PATHS)))
        split = [path.split("__") for path in paths]
        rows = await Leaf.objects.join(*paths).order_by("id").all()
        assert len(rows) == N
        assert [shown(row, split) for row in rows] == [
            expected(tables["leaves"][row.id], tables, split) for row in rows
        ]
        by_key: dict[tuple[str, Any], set[int]] = {}
        for row in rows:
            for name in {path[0] for path in split}:
                other = getattr(row, name)
                if other is not None:
                    key = other.code if name == "a" else other.id
                    by_key.setdefault((name, key), set()).add(id(other))
        assert all(len(objects) == 1 for objects in by_key.values())


def test_aliases_are_numbered_on_a_clash() -> None:
    text = Leaf.objects.join("parent", "a_b", "a__b").sql()[0]
    assert 'FROM "parent" LEFT JOIN "parent" AS "parent_2"' in text
    assert 'LEFT JOIN "parent" AS "a_b" ' in text
    assert 'LEFT JOIN "parent" AS "a_b_2" ' in text
