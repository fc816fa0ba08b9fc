"""What Meta and Field say, as each server's own catalog tells it."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import pydantic
import pytest
import pytest_asyncio
from parcels import served
from servers import Server

from oxyde import (
    Check,
    CheckViolationError,
    Field,
    Index,
    IntegrityError,
    Model,
    OxydeError,
    PoolSettings,
    UniqueViolationError,
    create_tables,
    db,
    drop_tables,
    execute_raw,
    is_loaded,
)
from oxyde.models.registry import unregister_table


class Port(Model):
    code: str = Field(db_pk=True, max_length=8)

    class Meta:
        is_table = True
        table_name = "catalog_ports"


class StockItem(Model):
    id: int | None = Field(default=None, db_pk=True)
    port: Port | None = None
    ref: str = Field(max_length=12, db_unique=True, db_index=True)
    shelf: str = Field(default="A", db_column="place", db_index=True, max_length=9)
    kg: int = Field(default=0, db_index=True, db_index_name="by_weight", db_index_method="hash")
    price: Decimal = Field(default=Decimal("1.5"), max_digits=8, decimal_places=2, db_comment="it's net")
    note: str | None = Field(default=None, db_nullable=False, db_default="'none yet'", max_length=30)
    seen: str = Field(default="", db_nullable=True, max_length=30)
    made: datetime = Field(db_default="CURRENT_TIMESTAMP")
    number: int = Field(default=0, db_type="SMALLINT")

    class Meta:
        is_table = True
        comment = "what's in stock"
        indexes = (
            Index(("port", "shelf")),
            Index(["place", "kg"], unique=True, name="place_kg"),
        )
        unique_together = (("port", "ref"), ["shelf", "seen"])
        constraints = (Check("kg >= 0"), Check("kg < 1000", name="light"))
        ordering = ("-kg", "ref")
        colour = "red"


for model in (Port, StockItem):
    unregister_table(model)


@pytest_asyncio.fixture
async def backend(fresh_database: Server) -> AsyncIterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an index on a unique column: looked at below
        async with served(fresh_database, [Port, StockItem]):
            yield fresh_database.backend


async def indexes(backend: str, table: str) -> dict[str, tuple[bool, tuple[str, ...]]]:
    """name: (unique, columns), without the primary key and what foreign keys bring along."""
    found: dict[str, tuple[bool, tuple[str, ...]]] = {}
    if backend == "sqlite":
        for row in await execute_raw(f"PRAGMA index_list('{table}')"):
            columns = await execute_raw(f"PRAGMA index_info('{row['name']}')")
            found[row["name"]] = (bool(row["unique"]), tuple(column["name"] for column in columns))
        return found
    if backend == "postgres":
        rows = await execute_raw(
            "SELECT c.relname AS name, i.indisunique AS uniq, a.attname AS col FROM pg_index i"
            " JOIN pg_class c ON c.oid = i.indexrelid"
            " CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(num, pos)"
            " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num"
            f" WHERE i.indrelid = '{table}'::regclass AND NOT i.indisprimary ORDER BY c.relname, k.pos"
        )
    else:
        rows = await execute_raw(
            "SELECT index_name AS name, non_unique = 0 AS uniq, column_name AS col"
            " FROM information_schema.statistics"
            f" WHERE table_schema = DATABASE() AND table_name = '{table}' AND index_name <> 'PRIMARY'"
            " ORDER BY index_name, seq_in_index"
        )
    for row in rows:
        _, columns = found.get(row["name"], (False, ()))
        found[row["name"]] = (bool(row["uniq"]), (*columns, row["col"]))
    return found


async def named_as(backend: str, name: str) -> list[str]:
    """The names of tables that differ from this one in case at most."""
    catalog, column = "information_schema.tables", "table_name"
    if backend == "sqlite":
        catalog, column = "sqlite_master", "name"
    of_this = " AND table_schema = DATABASE()" if backend == "mysql" else ""
    rows = await execute_raw(f"SELECT {column} AS name FROM {catalog} WHERE 1 = 1{of_this}")
    return [row["name"] for row in rows if row["name"].lower() == name.lower()]


# --- tables -----------------------------------------------------------------------------------


async def test_the_table_is_named_as_the_class_in_lower_case(backend: str) -> None:
    await StockItem.objects.create(ref="a")
    assert await execute_raw("SELECT COUNT(*) AS n FROM stockitem") == [{"n": 1}]
    assert await named_as(backend, "StockItem") == ["stockitem"]


@pytest.mark.parametrize("name", ["Odd Name", "select", 'say "hi" `x`', "straße"])
async def test_a_given_name_is_verbatim(backend: str, name: str) -> None:
    class Named(Model):
        id: int | None = Field(default=None, db_pk=True)
        order: str = Field(default="", db_column="group by", db_index=True)

        class Meta:
            is_table = True
            table_name = name

    unregister_table(Named)
    database = await db.get_connection()
    await create_tables(database, models=[Named])
    row = await Named.objects.create(order="x")
    assert (await Named.objects.filter(order="x").order_by("order").get()) == row
    quoted = f"`{name.replace('`', '``')}`" if backend == "mysql" else '"' + name.replace('"', '""') + '"'
    assert len(await execute_raw(f"SELECT * FROM {quoted}")) == 1
    assert name in await named_as(backend, name)
    await drop_tables(database, models=[Named])


async def test_a_schema_qualifies_every_statement(fresh_database: Server, tmp_path: Any) -> None:
    class Apart(Model):
        id: int | None = Field(default=None, db_pk=True)
        code: str = Field(db_index=True, max_length=8)

        class Meta:
            is_table = True
            table_name = "catalog_apart"
            schema = f"catalog_{fresh_database.name}"

    unregister_table(Apart)
    schema = Apart._db_meta.schema
    sqlite = fresh_database.backend == "sqlite"
    attach = {schema: str(tmp_path / "other.db")} if sqlite else {}
    async with db.connect(fresh_database.url, settings=PoolSettings(sqlite_attach=attach)) as opened:
        if not sqlite:
            await execute_raw(f"CREATE SCHEMA {schema}")
        try:
            await create_tables(opened, models=[Apart])
            with db.capture_queries() as queries:
                row = await Apart.objects.create(code="a")
                row.code = "b"
                await row.save()
                await row.refresh()
                assert await Apart.objects.filter(code="b").update(code="c") == 1
                assert await Apart.objects.get(code="c") == await Apart.objects.get(pk=row.id)
                assert await row.delete() == 1
            quote = "`" if fresh_database.backend == "mysql" else '"'
            assert all(f"{quote}{schema}{quote}." in query.sql for query in queries)
            assert await execute_raw(f"SELECT * FROM {schema}.catalog_apart") == []
            await drop_tables(opened, models=[Apart])
        finally:
            if not sqlite:
                cascade = " CASCADE" if fresh_database.backend == "postgres" else ""
                await execute_raw(f"DROP SCHEMA {schema}{cascade}")


async def test_comments_arrive(backend: str) -> None:
    if backend == "sqlite":  # which has none: nothing is said of them
        (row,) = await execute_raw("SELECT sql FROM sqlite_master WHERE name = 'stockitem'")
        assert "net" not in row["sql"] and "stock'" not in row["sql"]
        return
    if backend == "postgres":
        (row,) = await execute_raw(
            "SELECT obj_description('stockitem'::regclass) AS of_table,"
            " col_description('stockitem'::regclass, attnum) AS of_column"
            " FROM pg_attribute WHERE attrelid = 'stockitem'::regclass AND attname = 'price'"
        )
    else:
        (row,) = await execute_raw(
            "SELECT t.table_comment AS of_table, c.column_comment AS of_column"
            " FROM information_schema.tables t JOIN information_schema.columns c"
            " ON c.table_schema = t.table_schema AND c.table_name = t.table_name"
            " WHERE t.table_schema = DATABASE() AND t.table_name = 'stockitem' AND c.column_name = 'price'"
        )
    assert row == {"of_table": "what's in stock", "of_column": "it's net"}


async def test_rows_come_in_the_order_of_meta(backend: str) -> None:
    for ref, kg in (("b", 5), ("c", 9), ("a", 5)):
        await StockItem.objects.create(ref=ref, kg=kg, shelf=ref, seen=ref)
    assert await StockItem.objects.values_list("ref", flat=True).all() == ["c", "a", "b"]
    assert (await StockItem.objects.first()).ref == "c"  # type: ignore[union-attr]
    assert [row.ref for row in await StockItem.objects.order_by("ref").all()] == ["a", "b", "c"]


def test_options_without_effect_are_kept() -> None:
    assert StockItem._db_meta.extra == {"colour": "red"}


# --- indexes and constraints --------------------------------------------------------------------


async def test_indexes_have_their_names_columns_and_kind(backend: str) -> None:
    found = await indexes(backend, "stockitem")
    assert found["stockitem_place_idx"] == (False, ("place",))
    assert found["by_weight"] == (False, ("kg",))
    assert found["stockitem_port_code_place_idx"] == (False, ("port_code", "place"))
    assert found["place_kg"] == (True, ("place", "kg"))
    assert "stockitem_ref_idx" not in found  # unique already
    unique = {columns for is_unique, columns in found.values() if is_unique}
    assert unique == {("place", "kg"), ("port_code", "ref"), ("place", "seen"), ("ref",)}
    if backend == "postgres":
        (row,) = await execute_raw("SELECT indexdef FROM pg_indexes WHERE indexname = 'by_weight'")
        assert "USING hash" in row["indexdef"]
    assert {"stockitem_port_code_ref_key", "stockitem_place_seen_key"} < set(found)


async def test_an_index_that_is_there_already_is_warned_of(backend: str) -> None:
    class Twice(Model):
        id: int | None = Field(default=None, db_pk=True)
        a: int = Field(default=0, db_index=True)
        b: int = Field(default=0, db_index=True)
        c: int = Field(default=0, db_index=True, db_unique=True)

        class Meta:
            is_table = True
            table_name = "catalog_twice"
            indexes = [Index(["a"], name="own_name"), Index(["b", "a"])]

    unregister_table(Twice)
    with pytest.warns(UserWarning) as told:
        await create_tables(await db.get_connection(), models=[Twice])
    assert [str(warning.message).partition(",")[0] for warning in told] == [
        "Twice.a: db_index is left out",
        "Twice.c: db_index is left out",
    ]
    found = await indexes(backend, "catalog_twice")
    assert "catalog_twice_c_idx" not in found
    assert {name for name in found if name == "own_name" or name.endswith("_idx")} == {
        "own_name",
        "catalog_twice_b_idx",
        "catalog_twice_b_a_idx",
    }


async def test_an_index_has_its_method(backend: str) -> None:
    class Hashed(Model):
        id: int | None = Field(default=None, db_pk=True)
        ref: str = Field(max_length=9)

        class Meta:
            is_table = True
            table_name = "catalog_hashed"
            indexes = [Index(["ref"], name="hashed_ref", method="hash")]

    unregister_table(Hashed)
    await create_tables(await db.get_connection(), models=[Hashed])
    assert (await indexes(backend, "catalog_hashed"))["hashed_ref"] == (False, ("ref",))
    if backend == "postgres":
        (row,) = await execute_raw("SELECT indexdef FROM pg_indexes WHERE indexname = 'hashed_ref'")
        assert "USING hash" in row["indexdef"]


async def test_partial_indexes(backend: str) -> None:
    class Partial(Model):
        id: int | None = Field(default=None, db_pk=True)
        ref: str = Field(max_length=9)
        gone: bool = False

        class Meta:
            is_table = True
            table_name = "catalog_partial"
            indexes = [Index(["ref"], unique=True, where="  NOT gone ")]

    unregister_table(Partial)
    database = await db.get_connection()
    if backend == "mysql":
        with pytest.raises((ValueError, OxydeError), match="catalog_partial_ref_idx"):
            await create_tables(database, models=[Partial])
        return
    await create_tables(database, models=[Partial])
    await Partial.objects.create(ref="a", gone=True)
    await Partial.objects.create(ref="a", gone=True)
    await Partial.objects.create(ref="a")
    with pytest.raises(UniqueViolationError):
        await Partial.objects.create(ref="a")


async def test_constraints_hold_and_have_their_names(backend: str) -> None:
    await Port.objects.create(code="N4")
    await StockItem.objects.create(ref="a", port_code="N4")
    with pytest.raises(CheckViolationError, match="chk_stockitem_0"):
        await StockItem.objects.create(ref="b", kg=-1)
    with pytest.raises(CheckViolationError, match="light"):
        await StockItem.objects.create(ref="b", kg=1000, seen="b")
    with pytest.raises(UniqueViolationError):
        await StockItem.objects.create(ref="a", shelf="B", kg=3)
    with pytest.raises(UniqueViolationError):
        await StockItem.objects.create(ref="c", shelf="A", kg=7)


# --- columns --------------------------------------------------------------------------------------


async def test_columns_are_null_as_they_are_declared(backend: str) -> None:
    if backend == "sqlite":
        rows = await execute_raw("PRAGMA table_info('stockitem')")
        found = {row["name"]: not row["notnull"] and not row["pk"] for row in rows}
    else:
        where = "table_schema = DATABASE() AND " if backend == "mysql" else ""
        rows = await execute_raw(
            "SELECT column_name AS name, is_nullable AS answer FROM information_schema.columns"
            f" WHERE {where}table_name = 'stockitem'"
        )
        found = {row["name"]: row["answer"] == "YES" for row in rows}
    assert found == {
        "id": False, "ref": False, "place": False, "kg": False, "price": False, "note": False,
        "seen": True, "made": False, "number": False, "port_code": True,
    }  # fmt: skip
    with pytest.raises(IntegrityError):
        await execute_raw("INSERT INTO stockitem (ref, note) VALUES ('x', NULL)")


async def test_the_database_s_default_wins_over_python_s(backend: str) -> None:
    await execute_raw("INSERT INTO stockitem (ref) VALUES ('raw')")
    row = await StockItem.objects.get(ref="raw")
    assert (row.shelf, row.kg, row.price, row.note) == ("A", 0, Decimal("1.50"), "none yet")
    assert isinstance(row.made, datetime)


async def test_a_value_for_a_field_that_the_database_fills_is_validated_and_sent(backend: str) -> None:
    when = datetime(2031, 5, 6, 7, 8, 9)
    row = await StockItem.objects.create(ref="a", made=when, note="mine")
    assert (row.made, row.note) == (when, "mine")
    again = await StockItem.objects.get(ref="a")
    assert (again.made, again.note) == (when, "mine")
    with pytest.raises(pydantic.ValidationError):
        await StockItem.objects.create(ref="b", made="no date")
    fresh = StockItem(ref="c", shelf="C")
    assert fresh.made is None
    await fresh.save()
    assert isinstance(fresh.made, datetime)


async def test_serial_keys_are_filled(backend: str) -> None:
    class Serial(Model):
        id: int = Field(db_pk=True, db_type="BIGSERIAL")
        name: str = ""

        class Meta:
            is_table = True
            table_name = "catalog_serial"

    unregister_table(Serial)
    await create_tables(await db.get_connection(), models=[Serial])
    row = Serial(name="a")
    assert row.id is None
    await row.save()
    assert row.id == 1
    assert (await Serial.objects.create(id=9)).id == 9


Code = Annotated[str, Field(max_length=4)]


async def test_aliases_are_for_input_and_rows_go_by_name(backend: str) -> None:
    class Aliased(Model):
        model_config = pydantic.ConfigDict(populate_by_name=False, extra="forbid", strict=True, frozen=True)

        id: int | None = Field(default=None, db_pk=True, alias="identifier")
        kind: str = Field(validation_alias="type", serialization_alias="Type", db_column="type_column")
        codes: list[Code] = Field(default_factory=list, validation_alias=pydantic.AliasPath("deep", 0))
        when: datetime | None = None
        money: Decimal = Field(default=Decimal(1), max_digits=6, decimal_places=2)

        class Meta:
            is_table = True
            table_name = "catalog_aliased"

    unregister_table(Aliased)
    await create_tables(await db.get_connection(), models=[Aliased])
    one = await Aliased.objects.create(type="x", deep=[["ab"]], when=datetime(2031, 1, 1))
    two = await Aliased(kind="y").save()
    rows = await Aliased.objects.order_by("id").all()
    assert rows == [one, two]
    assert (rows[0].kind, rows[0].codes, rows[0].when) == ("x", ["ab"], datetime(2031, 1, 1))
    assert rows[0].model_dump(by_alias=True)["Type"] == "x"
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        rows[0].kind = "z"
    with pytest.raises(pydantic.ValidationError):
        Aliased(kind="x", other=1)
    assert is_loaded(rows[0], "kind")


async def test_rows_go_by_name_also_through_the_model_s_own_validator(backend: str) -> None:
    class Judged(Model):
        id: int | None = Field(default=None, db_pk=True, alias="identifier")
        kind: str = Field(validation_alias="type")

        @pydantic.model_validator(mode="after")
        def not_empty(self) -> Any:
            assert self.kind
            return self

        class Meta:
            is_table = True
            table_name = "catalog_judged"

    unregister_table(Judged)
    await create_tables(await db.get_connection(), models=[Judged])
    one = await Judged.objects.create(type="x")
    assert (await Judged.objects.all(), one.kind) == ([one], "x")
    await execute_raw("UPDATE catalog_judged SET kind = ''")
    with pytest.raises(pydantic.ValidationError):
        await Judged.objects.all()
