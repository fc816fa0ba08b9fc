"""What is written comes back in related rows too: joined, prefetched, by path. On every server.

Each kind of field has a table whose rows refer to a row of the same table, so that its values come
as those of the row itself, of a joined row, of the other end of a foreign key and of lists.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import Server
from subjects import SUBJECTS, Subject
from trips import PROFILE, Home, given_value, home_of, identical, shown

from oxyde import Field, Model
from oxyde.models.registry import unregister_table


def _table(subject: Subject) -> Any:
    name = f"Kin_{subject.name}"
    space: dict[str, Any] = {
        "__module__": __name__,
        "__annotations__": {
            "id": int | None,
            "value": subject.annotation | None,
            "parent": f"{name} | None",
            "children": f"list[{name}]",
        },
        "id": Field(default=None, db_pk=True),
        "value": Field(default=None, **subject.arguments),
        "parent": None,
        "children": Field(db_reverse_fk="parent"),
        "Meta": type("Meta", (), {"is_table": True, "table_name": f"kin_{subject.name}", "ordering": ["id"]}),
    }
    if subject.inside is not None:
        space["__annotations__"]["many"] = list[subject.annotation | None] | None
        space["many"] = None
    model = type(name, (Model,), space)
    unregister_table(model)
    return model


TABLES = {subject.name: _table(subject) for subject in SUBJECTS}


@pytest.fixture(scope="module")
def home(fresh_database: Server) -> Iterator[Home]:
    with home_of(fresh_database, TABLES.values()) as home:
        yield home


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_values_of_related_rows_come_back(home: Home, subject: Subject) -> None:
    backend = home.server.backend
    keeps = subject.values.filter(lambda value: subject.holds(value, backend))
    items = st.just([])
    if subject.inside is not None:
        inside = subject.inside
        items = st.lists(st.none() | subject.values.filter(lambda value: inside(value, backend)), max_size=4)

    @PROFILE
    @given(st.lists(st.tuples(st.none() | keeps, items), min_size=1, max_size=5))
    def examples(values: list[tuple[Any, list[Any]]]) -> None:
        home.run(_related(home, subject, values))

    examples()


async def _related(home: Home, subject: Subject, values: list[tuple[Any, list[Any]]]) -> None:
    """A row for each value; one below each of them, which has the next value."""
    model = TABLES[subject.name]
    same = operator.eq if subject.loose else identical
    listed = subject.inside is not None

    def fields(value: Any, many: list[Any]) -> dict[str, Any]:
        return {"value": given_value(subject, value), **({"many": many} if listed else {})}

    def agrees(row: Any, at: int) -> bool:
        value, many = values[at % len(values)]
        return bool(same(row.value, value)) and (not listed or bool(same(row.many, many)))

    async with home.undone() as client:
        objects = model.objects
        parents = await objects.bulk_create([model(**fields(*pair)) for pair in values], client=client)
        below = [fields(*values[(at + 1) % len(values)]) for at in range(len(values))]
        made = [model(**given, parent_id=row.id) for row, given in zip(parents, below, strict=True)]
        await objects.bulk_create(made, client=client)
        chosen = objects.filter(parent_id__isnull=False)
        found = [
            await chosen.join("parent").all(client=client),
            await chosen.prefetch("parent").all(client=client),
            [
                child
                for row in await objects.filter(parent_id=None)
                .prefetch("children__parent")
                .all(client=client)
                for child in row.children
            ],
            [row async for row in chosen.join("parent__parent").iterator(2, client=client)],
        ]
        for rows in found:
            assert len(rows) == len(values)
            for at, row in enumerate(rows):
                assert agrees(row, at + 1), (row, values)
                assert agrees(row.parent, at), (row.parent, values)
        plain = await chosen.values_list("parent__value", flat=True).all(client=client)
        for (value, _), cell in zip(values, plain, strict=True):
            assert same(shown(subject, cell), value), (cell, value)
