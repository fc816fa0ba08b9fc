"""Enumerations on every server: native types, casts in every clause, sharing, order."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator
from typing import Any

import pydantic
import pytest
import pytest_asyncio
from parcels import served
from servers import Server, chosen

from oxyde import Case, F, Field, FieldError, Model, Value, When, create_tables, db, execute_raw
from oxyde.db.schema import describe_tables
from oxyde.exceptions import FieldLookupValueError, NotSupportedError
from oxyde.models.registry import unregister_table


class HullState(enum.Enum):
    """Declared neither in the order of their texts nor of their names."""

    WORN = "worn"
    NEW = "a new one"
    LOST = "it's lost"
    GONE = "it's lost"  # an alias


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Boat(Model):
    id: int | None = Field(default=None, db_pk=True)
    state: HullState = HullState.NEW
    past: list[HullState | None] = []
    any_of: set[HullState] = set()
    code: HullState | None = Field(default=None, db_type="VARCHAR(20)")
    level: Level = Field(default=Level.LOW, db_type="INTEGER")

    class Meta:
        is_table = True
        table_name = "enum_boats"


class Raft(Model):
    """Another table with the same type."""

    state: HullState = Field(db_pk=True)

    class Meta:
        is_table = True
        table_name = "enum_rafts"


for model in (Boat, Raft):
    unregister_table(model)


@pytest_asyncio.fixture
async def backend(fresh_database: Server) -> AsyncIterator[str]:
    async with served(fresh_database, [Boat, Raft]):
        yield fresh_database.backend


async def test_members_and_their_values_are_interchangeable(backend: str) -> None:
    boat = await Boat.objects.create(
        state=HullState.LOST,
        past=[HullState.WORN, None],
        any_of={HullState.NEW},
        code=HullState.WORN,
        level=Level.HIGH,
    )
    again = await Boat.objects.get(pk=boat.id)
    assert again == boat
    assert again.past == [HullState.WORN, None]
    for keywords in (
        {"state": HullState.LOST},
        {"state": "it's lost"},
        {"state__in": ["it's lost", HullState.NEW]},
        {"state__ne": "worn"},
        {"code": HullState.WORN},
        {"code__in": ["worn"]},
        {"level": Level.HIGH},
        {"level__in": [2]},
        {"past": [HullState.WORN, None]},
        {"past__contains": ["worn"]},
    ):
        assert await Boat.objects.filter(**keywords).count() == 1, keywords
    assert await Boat.objects.values_list("state", "past", "any_of", "code", "level").all() == [
        (HullState.LOST, [HullState.WORN, None], {HullState.NEW}, HullState.WORN, Level.HIGH)
    ]
    assert await Boat.objects.filter(state="it's lost").update(state="worn", past=["a new one"]) == 1
    await again.refresh()
    assert (again.state, again.past) == (HullState.WORN, [HullState.NEW])


async def test_every_clause_takes_them(backend: str) -> None:
    made = await Boat.objects.bulk_create([Boat(state=state) for state in HullState])
    changed = Case(When(state=HullState.WORN, then=Value(HullState.NEW)), default=F("state"))
    assert await Boat.objects.update(state=changed) == 3
    for boat, state in zip(made, [HullState.LOST, HullState.WORN, HullState.NEW], strict=True):
        boat.state = state
    assert await Boat.objects.bulk_update(made, ["state"]) == 3
    assert await Boat.objects.order_by("id").values_list("state", flat=True).all() == [
        HullState.LOST, HullState.WORN, HullState.NEW,
    ]  # fmt: skip
    groups = await Boat.objects.values("state").group_by("state").having(state__in=[HullState.NEW]).all()
    assert groups == [{"state": HullState.NEW}]
    await Raft.objects.upsert(state=HullState.NEW)
    await Raft.objects.upsert(state="a new one")
    assert (await Raft.objects.get(pk=HullState.NEW)).state is HullState.NEW
    assert set(await Raft.objects.in_bulk(["a new one"])) == {HullState.NEW}


async def test_unknown_values_are_refused_before_sql(backend: str) -> None:
    with db.capture_queries() as queries:
        for keywords in ({"state": "WORN"}, {"state__in": ["worn", "other"]}, {"code": "other"}):
            with pytest.raises(FieldLookupValueError):
                await Boat.objects.filter(**keywords).all()
        for values in ({"state": "other"}, {"past": ["other"]}, {"level": 3}):
            with pytest.raises(pydantic.ValidationError):
                await Boat.objects.create(**values)
            with pytest.raises(pydantic.ValidationError):
                await Boat.objects.update(**values)
    assert len(queries) == 0


async def test_the_order_is_that_of_the_declaration_where_the_type_is_native(backend: str) -> None:
    await Boat.objects.bulk_create([Boat(state=state) for state in HullState])
    found = await Boat.objects.order_by("state").values_list("state", flat=True).all()
    by_text = [HullState.NEW, HullState.LOST, HullState.WORN]
    assert found == (by_text if backend == "sqlite" else list(HullState))


@pytest.mark.parametrize("server", [name for name in chosen() if name == "postgres"], indirect=True)
async def test_two_tables_share_one_native_type(backend: str) -> None:
    rows = await execute_raw(
        "SELECT t.typname, e.enumlabel FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid "
        "ORDER BY e.enumsortorder"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("hull_state_enum", "worn"),
        ("hull_state_enum", "a new one"),
        ("hull_state_enum", "it's lost"),
    ]


@pytest.mark.parametrize("server", [name for name in chosen() if name == "postgres"], indirect=True)
async def test_parameters_are_cast_to_the_native_type(backend: str) -> None:
    boats = Boat.objects
    assert '$1::"hull_state_enum"' in boats.filter(state="worn").sql()[0]
    assert '$1::"hull_state_enum"[]' in boats.filter(past=["worn"]).sql()[0]
    assert '($1::"hull_state_enum")' in boats.filter(state__in=["worn"]).sql()[0]
    assert '($1::"hull_state_enum"[])' in boats.filter(state__in=["worn", "a new one"] * 40).sql()[0]
    assert "::" not in boats.filter(code="worn").sql()[0]
    boat = await boats.create(past=[HullState.WORN])
    with db.capture_queries() as queries:
        await boats.filter(id=boat.id).update(state="worn", past=["worn"], code="worn", level=2)
        await boats.create(state="worn", past=["worn"], code="worn", level=2)
    for query in queries:
        assert query.sql.count('::"hull_state_enum"') >= 2, query.sql
        assert query.sql.count("::") == query.sql.count('::"hull_state_enum"'), query.sql


@pytest.mark.parametrize("server", [name for name in chosen() if name == "postgres"], indirect=True)
async def test_with_a_schema_the_type_lives_there(backend: str) -> None:
    class Ferry(Model):
        id: int | None = Field(default=None, db_pk=True)
        state: HullState = HullState.NEW

        class Meta:
            is_table = True
            table_name = "enum_ferries"
            schema = "enum_harbour"

    unregister_table(Ferry)
    await execute_raw("DROP SCHEMA IF EXISTS enum_harbour CASCADE")
    await execute_raw("CREATE SCHEMA enum_harbour")
    await create_tables(await db.get_connection(), models=[Ferry])
    assert (await Ferry.objects.create(state="worn")).state is HullState.WORN
    assert await Ferry.objects.filter(state=HullState.WORN).count() == 1
    assert await execute_raw(
        "SELECT n.nspname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace "
        "WHERE t.typname = 'hull_state_enum' ORDER BY 1"
    ) == [{"nspname": "enum_harbour"}, {"nspname": "public"}]
    await execute_raw("DROP SCHEMA enum_harbour CASCADE")


def test_one_name_with_other_values_is_refused() -> None:
    def boat_with(members: dict[str, str], table: str) -> Any:
        namespace = {
            "__module__": __name__,
            "__annotations__": {"id": int, "state": enum.Enum("HullState", members)},
            "id": Field(db_pk=True),
            "Meta": type("Meta", (), {"is_table": True, "table_name": table}),
        }
        made = type("Boat" + table, (Model,), namespace)
        unregister_table(made)
        return made

    one, same = boat_with({"A": "a"}, "one"), boat_with({"B": "a"}, "same")
    other = boat_with({"A": "a", "B": "b"}, "other")
    from oxyde import _core

    made = _core.ddl_create(describe_tables([one, same]), "postgres", False)
    assert sum("CREATE TYPE" in statement for statement in made) == 1
    with pytest.raises((FieldError, ValueError), match="hull_state_enum"):
        _core.ddl_create(describe_tables([one, other]), "postgres", False)


async def test_blanks_at_the_end_come_back_or_are_refused_with_the_table(backend: str) -> None:
    """MySQL and MariaDB take them off the values of an ENUM; what was written would not be read again."""

    class Tail(enum.Enum):
        PLAIN = "b"
        BLANK = "c "

    class Told(Model):
        id: int | None = Field(default=None, db_pk=True)
        tail: Tail = Tail.PLAIN

        class Meta:
            is_table = True
            table_name = "enum_told"

    class Kept(Model):
        id: int | None = Field(default=None, db_pk=True)
        tail: Tail = Field(default=Tail.BLANK, db_type="VARCHAR(9)")
        tails: list[Tail] = [Tail.BLANK]

        class Meta:
            is_table = True
            table_name = "enum_kept"

    database = await db.get_connection()
    tables: list[Any] = [Told, Kept]
    for model in tables:
        unregister_table(model)
    if backend == "mysql":
        with pytest.raises(NotSupportedError, match=r"blank at the end of 'c '.*column tail.*db_type"):
            await create_tables(database, models=[Told])
        tables = [Kept]
    await create_tables(database, models=tables)
    for model in tables:
        row = await model.objects.create(tail=Tail.BLANK)
        assert (await model.objects.get(tail=Tail.BLANK)) == row
        assert row.tail is Tail.BLANK
        assert await model.objects.values_list("tail", flat=True).all() == [Tail.BLANK]
    assert (await Kept.objects.get()).tails == [Tail.BLANK]
