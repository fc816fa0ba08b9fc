"""What is written comes back: equal, of the same type; or it was refused. On every server.

Each kind of field has a table of its own with the value, a list of such values and, where a key
can be made of it, nothing else. OXYDE_ROUND_TRIPS=200 asks for as many random examples of each
kind instead of the few that every run repeats.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import Server
from subjects import SUBJECTS, Holds, Subject
from trips import PROFILE, Home, given_value, home_of, identical, shown

from oxyde import DataError, Field, Model
from oxyde.models.registry import unregister_table


def _table(subject: Subject) -> Any:
    namespace: dict[str, Any] = {
        "__module__": __name__,
        "__annotations__": {"id": int | None, "value": subject.annotation | None},
        "id": Field(default=None, db_pk=True),
        "value": Field(default=None, **subject.arguments),
        "Meta": type("Meta", (), {"is_table": True, "table_name": f"trip_{subject.name}"}),
    }
    if subject.inside is not None:
        namespace["__annotations__"]["many"] = list[subject.annotation | None] | None
        namespace["many"] = None
    model = type(f"Trip_{subject.name}", (Model,), namespace)
    unregister_table(model)
    return model


TABLES = {subject.name: _table(subject) for subject in SUBJECTS}


@pytest.fixture(scope="module")
def home(fresh_database: Server) -> Iterator[Home]:
    with home_of(fresh_database, TABLES.values()) as home:
        yield home


# --- the promise ------------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_values_come_back_or_are_refused(home: Home, subject: Subject) -> None:
    @PROFILE
    @given(st.lists(subject.values, min_size=1, max_size=8))
    def examples(values: list[Any]) -> None:
        home.run(_alone(home, subject, values))

    examples()


@pytest.mark.parametrize("subject", [s for s in SUBJECTS if s.inside is not None], ids=lambda s: s.name)
def test_lists_of_values_come_back_or_are_refused(home: Home, subject: Subject) -> None:
    @PROFILE
    @given(st.lists(st.lists(st.none() | subject.values, max_size=6), min_size=1, max_size=3))
    def examples(lists: list[list[Any]]) -> None:
        home.run(_listed(home, subject, lists))

    examples()


async def _alone(home: Home, subject: Subject, values: list[Any]) -> None:
    await _kept(home, subject, "value", values, subject.holds)


async def _listed(home: Home, subject: Subject, lists: list[list[Any]]) -> None:
    def holds(items: list[Any], backend: str) -> bool:
        return all(item is None or subject.inside(item, backend) for item in items)  # type: ignore[misc]

    await _kept(home, subject, "many", lists, holds)


async def _kept(home: Home, subject: Subject, name: str, values: list[Any], holds: Holds) -> None:
    kept: list[Any] = [None] if name == "value" else [None, []]
    for value in values:
        if holds(value, home.server.backend):
            kept.append(value)
        else:
            with pytest.raises(DataError, match=f"Trip_{subject.name}.{name}|trip_{subject.name}"):
                await TABLES[subject.name].objects.create(
                    **{name: given_value(subject, value)}, client=home.handle
                )
    async with home.undone() as client:
        await _written(home, subject, name, kept, client)


async def _written(home: Home, subject: Subject, name: str, values: list[Any], client: Any) -> None:
    """Values that the column holds: by each way in, by each way out."""
    model = TABLES[subject.name]
    same = operator.eq if subject.loose else identical
    objects = model.objects
    made = await objects.bulk_create(
        [model(**{name: given_value(subject, value)}) for value in values[:-1]], client=client
    )
    made.append(await objects.create(**{name: given_value(subject, values[-1])}, client=client))
    ids = [row.id for row in made]
    rows = await objects.order_by("id").all(client=client)
    plain = await objects.order_by("id").values_list(name, flat=True).all(client=client)
    assert [row.id for row in rows] == ids
    for value, saved, row, stored in zip(values, made, rows, plain, strict=True):
        if home.server.name == "mysql" or saved is not made[-1]:
            assert getattr(saved, name) == value or same(getattr(saved, name), value)  # as it was given
        else:
            assert same(getattr(saved, name), value), (getattr(saved, name), value)
        assert same(getattr(row, name), value), (getattr(row, name), value)
        if name == "value":
            assert same(shown(subject, stored), value), (stored, value)
        elif not subject.plain:
            assert same(stored, value), (stored, value)
    await _found(home, subject, name, dict(zip(ids, values, strict=True)), client)
    # and by UPDATE, where the parameter stands in another place
    assert (
        await objects.filter(id=ids[0]).update(**{name: given_value(subject, values[-1])}, client=client) == 1
    )
    changed = rows[-1]
    setattr(changed, name, given_value(subject, values[0]))
    await changed.save(client=client)
    rows = await objects.order_by("id").all(client=client)
    assert same(getattr(rows[0], name), values[-1])
    assert same(getattr(rows[-1], name), values[0])
    for value, row in zip(values, rows, strict=True):
        setattr(row, name, given_value(subject, value))
    assert await objects.bulk_update(rows, [name], client=client) == len(rows)
    rows = await objects.order_by("id").all(client=client)
    for value, row in zip(values, rows, strict=True):
        assert same(getattr(row, name), value), (getattr(row, name), value)


def _equal(subject: Subject, one: Any, other: Any) -> bool:
    """As a comparison in SQL sees it; NULLs are told apart by isnull."""
    if one is None or other is None:
        return one is other
    if subject.as_text:
        return format(one, "f") == format(other, "f")
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    if isinstance(one, pydantic.SecretStr | pydantic.SecretBytes):
        return bool(one.get_secret_value() == other.get_secret_value())
    return bool(one == other)


async def _found(home: Home, subject: Subject, name: str, stored: dict[int, Any], client: Any) -> None:
    objects = TABLES[subject.name].objects
    more = home.server.backend == "mysql"  # its collations find more than what is equal
    for number, value in enumerate([*stored.values()][:3]):
        lookup = {f"{name}__isnull": True} if value is None else {name: value}
        if value is not None and number % 2:
            lookup = {f"{name}__in": [value]}
        found = set(await objects.filter(**lookup).values_list("id", flat=True).all(client=client))
        wanted = {pk for pk, other in stored.items() if _equal(subject, other, value)}
        assert wanted <= found if more else wanted == found, (lookup, wanted, found)
