"""Rows of a relation come by their key, whatever the order in which the database gives them: statements
leave that to Links where the key is a whole number."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from parcels import served
from servers import Server

from oxyde import Field, Model, Prefetch, RawSQL, atomic, create_tables, db, execute_raw
from oxyde.exceptions import DataError
from oxyde.queries import Query
from oxyde.queries._prefetch import Loading

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERDS = 40
SHEEP = 2000


class Herd(Model):
    id: int | None = Field(default=None, db_pk=True)
    sheep: list[Sheep] = Field(default_factory=list, db_reverse_fk="herd")

    class Meta:
        is_table = True
        table_name = "order_herds"


class Sheep(Model):
    id: int | None = Field(default=None, db_pk=True)
    herd: Herd | None = None
    grade: int
    marks: list[Mark] = Field(default_factory=list, db_reverse_fk="sheep")

    class Meta:
        is_table = True
        table_name = "order_sheep"


class Mark(Model):
    """Its key is text: the database knows how such keys are ordered."""

    name: str = Field(db_pk=True, max_length=20)
    sheep: Sheep | None = None

    class Meta:
        is_table = True
        table_name = "order_marks"


class Meadow(Model):
    id: int | None = Field(default=None, db_pk=True)
    herds: list[Herd] = Field(default_factory=list, db_m2m=True, db_through="Grazing")

    class Meta:
        is_table = True
        table_name = "order_meadows"


class Grazing(Model):
    """The junction, whose key is the order of a meadow's herds."""

    id: int | None = Field(default=None, db_pk=True)
    meadow: Meadow | None = None
    herd: Herd | None = None
    since: int

    class Meta:
        is_table = True
        table_name = "order_grazings"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    """Rows that lie, and are found by an index, in another order than that of their keys."""
    pick = random.Random(11)
    async with served(fresh_database, [Herd, Sheep, Mark, Meadow, Grazing]) as opened:
        await Herd.objects.bulk_create([Herd(id=n) for n in range(1, HERDS + 1)])
        keys = list(range(1, SHEEP + 1))
        pick.shuffle(keys)
        rows = [{"id": n, "herd_id": pick.randint(1, HERDS - 1), "grade": pick.randint(0, 99)} for n in keys]
        await Sheep.objects.bulk_create(rows)
        await Mark.objects.bulk_create([Mark(name=f"m{n}", sheep_id=n % 7 + 1) for n in keys[:60]])
        await execute_raw("CREATE INDEX order_sheep_by_grade ON order_sheep (herd_id, grade)")
        await Meadow.objects.bulk_create([Meadow(id=n) for n in range(1, 31)])
        grazings = [
            {"id": n, "meadow_id": pick.randint(1, 29), "herd_id": pick.randint(1, HERDS), "since": -n % 97}
            for n in keys[:600]
        ]
        await Grazing.objects.bulk_create(grazings)
        await execute_raw(
            "CREATE INDEX order_grazings_by_since ON order_grazings (meadow_id, since, herd_id)"
        )
        yield opened


def linked(query: Any, owner: type, name: str, keys: list[Any], dialect: str = "postgres") -> str:
    text: str = query._with(link=(owner, name, keys))._sql(dialect)[0]
    return text


# --- statements --------------------------------------------------------------------------------


async def test_a_statement_has_an_order_only_where_it_is_needed() -> None:
    assert "ORDER BY" not in linked(Query(Sheep), Herd, "sheep", [1])
    assert "ORDER BY" not in linked(Query(Sheep).filter(grade__gt=1), Herd, "sheep", [1])
    assert "ORDER BY" not in linked(Query(Sheep).only("grade"), Herd, "sheep", [1])
    assert 'ORDER BY "name"' in linked(Query(Mark), Sheep, "marks", [1])
    assert 'ORDER BY "grade"' in linked(Query(Sheep).order_by("grade"), Herd, "sheep", [1])
    assert 'ORDER BY "id" DESC' in linked(Query(Sheep).reverse(), Herd, "sheep", [1])
    assert 'ORDER BY "id"' in linked(Query(Sheep)[:3], Herd, "sheep", [1])
    assert 'ORDER BY "id"' in linked(Query(Sheep).distinct(), Herd, "sheep", [1])
    assert 'ORDER BY "id"' in linked(Query(Sheep).for_update(), Herd, "sheep", [1])
    assert "ORDER BY" not in linked(Query(Herd), Meadow, "herds", [1])
    assert "ORDER BY" not in linked(Query(Herd).only("id"), Meadow, "herds", [1])
    assert 'ORDER BY "order_herds"."id"' in linked(Query(Herd).order_by("id"), Meadow, "herds", [1])
    assert 'ORDER BY "oxyde_link"."id" DESC' in linked(Query(Herd).reverse(), Meadow, "herds", [1])
    assert 'ORDER BY "oxyde_link"."id"' in linked(Query(Herd)[:3], Meadow, "herds", [1])
    assert 'ORDER BY "oxyde_link"."id"' in linked(Query(Herd).for_update(), Meadow, "herds", [1])
    assert 'ORDER BY "order_herds"."id"' in linked(Query(Herd).distinct(), Meadow, "herds", [1])


@pytest.mark.parametrize("dialect", ["sqlite", "mysql"])
async def test_lists_of_keys_are_parameters_where_there_are_no_arrays(dialect: str) -> None:
    texts = {linked(Query(Sheep), Herd, "sheep", list(range(n)), dialect) for n in (65, 100, 101, 128)}
    assert [text.count("?") for text in texts] == [128]
    assert linked(Query(Sheep), Herd, "sheep", list(range(4096)), dialect).count("?") == 4096
    assert linked(Query(Sheep), Herd, "sheep", list(range(4097)), dialect).count("?") == 1


# --- rows ----------------------------------------------------------------------------------------


def by_key(rows: list[Sheep]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {n: [] for n in range(1, HERDS + 1)}
    for row in sorted(rows, key=lambda row: row.id or 0):
        found[row.herd_id].append(row.id)  # type: ignore[attr-defined]
    return found


def keys_of(herds: list[Herd]) -> dict[int | None, list[int | None]]:
    return {herd.id: [sheep.id for sheep in herd.sheep] for herd in herds}


async def test_rows_come_by_their_key(database: db.AsyncDatabase) -> None:
    expected = by_key(await Sheep.objects.all())
    assert keys_of(await Herd.objects.prefetch("sheep").all()) == expected
    assert keys_of(await Herd.objects.prefetch("sheep", "sheep__marks").all()) == expected
    partial = Prefetch("sheep", Sheep.objects.only("grade"))
    assert keys_of(await Herd.objects.prefetch(partial).all()) == expected
    async with atomic():
        assert keys_of(await Herd.objects.prefetch("sheep").all()) == expected


async def grazing() -> dict[int | None, list[int]]:
    """The herds of each meadow, by the key of the junction."""
    expected: dict[int | None, list[int]] = {n: [] for n in range(1, 31)}
    for row in sorted(await Grazing.objects.all(), key=lambda row: row.id or 0):
        expected[row.meadow_id].append(row.herd_id)  # type: ignore[attr-defined]
    return expected


async def test_rows_of_a_junction_come_by_its_key(database: db.AsyncDatabase) -> None:
    expected = await grazing()
    assert any(len(keys) > len(set(keys)) for keys in expected.values()), "some herds are there twice"
    some = Prefetch("herds", Herd.objects.filter(id__lte=HERDS // 2))
    for path, most in (("herds", HERDS), ("herds__sheep", HERDS), (some, HERDS // 2)):
        meadows = await Meadow.objects.prefetch(path).all()
        found = {meadow.id: [herd.id for herd in meadow.herds] for meadow in meadows}
        assert found == {key: [herd for herd in herds if herd <= most] for key, herds in expected.items()}
        shared = {id(herd): herd.id for meadow in meadows for herd in meadow.herds}
        assert len(shared) == len(set(shared.values())), "a herd is one object"
    flocks = by_key(await Sheep.objects.all())
    for meadow in await Meadow.objects.prefetch("herds__sheep").all():
        for herd in meadow.herds:
            assert [sheep.id for sheep in herd.sheep] == flocks[herd.id or 0]
    first = await Meadow.objects.prefetch(Prefetch("herds", Herd.objects.filter()[:2])).all()
    assert {meadow.id: [herd.id for herd in meadow.herds] for meadow in first} == {
        key: herds[:2] for key, herds in expected.items()
    }


async def test_keys_of_a_junction_that_are_texts_or_null() -> None:
    async with db.connect("sqlite://:memory:"):
        await execute_raw("CREATE TABLE order_herds (id INTEGER PRIMARY KEY)")
        await execute_raw("CREATE TABLE order_meadows (id INTEGER PRIMARY KEY)")
        await execute_raw(
            "CREATE TABLE order_grazings (id TEXT, meadow_id INTEGER, herd_id INTEGER, since INTEGER)"
        )
        await execute_raw("INSERT INTO order_herds VALUES (1), (2), (3), (4)")
        await execute_raw("INSERT INTO order_meadows VALUES (1)")
        await execute_raw(
            "INSERT INTO order_grazings (id, herd_id, meadow_id) "
            "VALUES ('10', 1, 1), ('9', 2, 1), (NULL, 3, 1), ('-1', 4, 1)"
        )
        (meadow,) = await Meadow.objects.prefetch("herds").all()
        assert [herd.id for herd in meadow.herds] == [3, 4, 2, 1]
        await execute_raw("UPDATE order_grazings SET id = 'none' WHERE herd_id = 3")
        with pytest.raises(DataError):
            await Meadow.objects.prefetch("herds").all()


async def test_it_is_the_order_that_the_database_gives(database: db.AsyncDatabase) -> None:
    ours = await Herd.objects.prefetch("sheep").all()
    theirs = await Herd.objects.prefetch(Prefetch("sheep", Sheep.objects.order_by("id"))).all()
    assert keys_of(ours) == keys_of(theirs)
    backwards = await Herd.objects.prefetch(Prefetch("sheep", Sheep.objects.order_by().reverse())).all()
    assert keys_of(backwards) == {key: rows[::-1] for key, rows in keys_of(ours).items()}


async def test_rows_in_any_order_of_arrival(database: db.AsyncDatabase) -> None:
    """Many small mixtures, of which some happen to be in order."""
    pick = random.Random(5)
    everyone = await Sheep.objects.all()
    for _ in range(30):
        some = [sheep.id for sheep in pick.sample(everyone, pick.randint(1, 9))]
        few = Prefetch("sheep", Sheep.objects.filter(id__in=some))
        expected = by_key([sheep for sheep in everyone if sheep.id in some])
        assert keys_of(await Herd.objects.prefetch(few).all()) == expected


async def test_parents_that_share_a_key_have_lists_of_their_own(database: db.AsyncDatabase) -> None:
    expected = by_key(await Sheep.objects.all())
    herds = [*await Herd.objects.all(), *await Herd.objects.all()]
    links = Query(Herd).prefetch("sheep")
    await Loading(links).load(herds, using=None, client=None)
    assert keys_of(herds[:HERDS]) == keys_of(herds[HERDS:]) == expected
    assert herds[0].sheep is not herds[HERDS].sheep


async def test_numbers_in_a_column_of_text_and_keys_that_are_null() -> None:
    """SQLite lets a table have such keys."""
    async with db.connect("sqlite://:memory:"):
        await execute_raw("CREATE TABLE order_herds (id INTEGER PRIMARY KEY)")
        await execute_raw('CREATE TABLE order_sheep (id TEXT, herd_id INTEGER, "grade" INTEGER)')
        await execute_raw("INSERT INTO order_herds VALUES (1)")
        await execute_raw("INSERT INTO order_sheep VALUES ('10', 1, 0), ('9', 1, 1), (NULL, 1, 2)")
        (herd,) = await Herd.objects.prefetch("sheep").all()
        assert [sheep.id for sheep in herd.sheep] == [None, 9, 10]


# --- the collector ---------------------------------------------------------------------------------


@pytest.fixture
def eager() -> Any:
    """A collector that is due after every hundred objects."""
    before = gc.get_threshold()
    gc.set_threshold(100, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="there collections are late, when all is handed over")
async def test_no_collection_walks_over_related_rows(database: db.AsyncDatabase, eager: None) -> None:
    rows: list[int] = []
    walked: list[int] = []
    dicts: list[int] = []

    def look(phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            known = gc.get_objects()
            rows.append(sum(type(o) is Sheep for o in known))
            walked.append(sum(len(o) for o in known if type(o) is list and o and type(o[0]) is Sheep))
            dicts.append(sum(type(o) is dict and "grade" in o and "herd_id" in o for o in known))

    herds = Herd.objects.prefetch("sheep")
    await herds.all()
    gc.collect()
    gc.callbacks.append(look)
    try:
        found = await herds.all()
    finally:
        gc.callbacks.remove(look)
    assert sum(len(herd.sheep) for herd in found) == SHEEP
    assert rows, "nothing was collected"
    assert max(rows) < 200, "rows of a part that had not begun"
    assert max(walked) < 200
    assert max(dicts) < 250, "and what the class has"


async def test_related_rows_and_their_lists_are_tracked_once_handed_over(
    database: db.AsyncDatabase, eager: None
) -> None:
    for path in ("sheep", "sheep__marks"):
        herds = await Herd.objects.prefetch(path).all()
        flock = [sheep for herd in herds for sheep in herd.sheep]
        assert all(gc.is_tracked(herd.sheep) for herd in herds)
        assert all(isinstance(sheep.marks, list) for sheep in flock)  # reading it ends a leaf (test_leaf.py)
        assert all(map(gc.is_tracked, flock))
        assert all(gc.is_tracked(sheep.__dict__) for sheep in flock if sheep.__dict__.get("marks"))
    for sheep in await Sheep.objects.join("herd").all():
        assert gc.is_tracked(sheep) and gc.is_tracked(sheep.__dict__)
        assert isinstance(sheep.herd.sheep, list) and gc.is_tracked(sheep.herd)  # type: ignore[union-attr]


async def test_cycles_through_related_rows_are_collected(database: db.AsyncDatabase, eager: None) -> None:
    herds = await Herd.objects.prefetch("sheep").all()
    gone = [weakref.ref(sheep) for herd in herds for sheep in herd.sheep]
    for herd in herds:
        for sheep in herd.sheep:
            sheep.__dict__["mates"] = herd.sheep
    assert len(gone) == SHEEP
    del herds, herd, sheep
    gc.collect()
    assert [ref for ref in gone if ref() is not None] == []


async def test_keys_that_are_whole_numbers_of_any_size() -> None:
    keys = [
        -(2**63),
        2**63 - 1,
        2**32,
        2**32 + 1,
        2**31,
        -1,
        0,
        1,
        *range(100, 160),
        *range(2**40, 2**50, 2**45),
    ]
    pick = random.Random(5)
    owners = [key for key in keys[:-3] for _ in range(3)]
    pick.shuffle(owners)
    async with db.connect("sqlite://:memory:", name="sizes") as opened:
        await create_tables(opened, models=[Herd, Sheep, Mark])
        await Herd.objects.bulk_create([Herd(id=key) for key in keys], using="sizes")
        rows = [{"id": n, "herd_id": key, "grade": 0} for n, key in enumerate(owners)]
        await Sheep.objects.bulk_create(rows, using="sizes")
        herds = await Herd.objects.prefetch("sheep").all(using="sizes")
    assert sorted(herd.id or 0 for herd in herds) == sorted(keys)
    for herd in herds:
        assert [sheep.id for sheep in herd.sheep] == [n for n, key in enumerate(owners) if key == herd.id]


async def test_rows_before_a_cancel_that_was_meant_for_another_come_once(database: db.AsyncDatabase) -> None:
    """Rows are linked as they come; the statement is sent again, and they are linked anew."""
    if database.backend != "postgres":
        return
    await execute_raw("DROP SEQUENCE IF EXISTS order_rows")
    await execute_raw("CREATE SEQUENCE order_rows")
    # The 1,500th row that the server makes is late, the first time.
    late = RawSQL("CASE WHEN nextval('order_rows') = 1500 THEN pg_sleep(60) IS NULL END")
    expected = [herd.model_dump() for herd in await Herd.objects.order_by("id").prefetch("sheep").all()]
    rows = Prefetch("sheep", Sheep.objects.join("herd").annotate(late=late))
    reading = asyncio.ensure_future(Herd.objects.order_by("id").prefetch(rows).all())
    asleep = "wait_event = 'PgSleep' AND query LIKE '%order_rows%' AND pid <> pg_backend_pid()"
    while not await execute_raw(f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE {asleep}"):
        assert not reading.done()
        await asyncio.sleep(0.02)
    herds = await reading
    for herd in herds:
        assert [sheep.herd.id for sheep in herd.sheep] == [herd.id] * len(herd.sheep)  # type: ignore[union-attr]
        for sheep in herd.sheep:
            assert gc.is_tracked(sheep)
    found = [(herd.id, [sheep.id for sheep in herd.sheep]) for herd in herds]
    assert found == [(one["id"], [sheep["id"] for sheep in one["sheep"]]) for one in expected]
    assert sum(len(keys) for _, keys in found) == SHEEP
