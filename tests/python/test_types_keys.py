"""Any type as a key, keys that count by themselves, and defaults that the database knows."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import ipaddress
import math
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pydantic
import pytest
import pytest_asyncio
from parcels import served
from servers import Server

from oxyde import Field, Model, NotFoundError, _core, execute_raw, is_saved
from oxyde.db.schema import describe_tables
from oxyde.models.registry import unregister_table

UTC = dt.timezone.utc


class Kind(enum.Enum):
    ONE = "one"
    TWO = "t'wo"


KEYS: dict[str, tuple[Any, Any, Any]] = {
    "int": (int, 5, -(2**63)),
    "str": (str, "a'b", "ü"),
    "uuid": (uuid.UUID, uuid.UUID(int=1), uuid.UUID(int=2)),
    "date": (dt.date, dt.date(2024, 2, 29), dt.date(1999, 1, 1)),
    "datetime": (dt.datetime, dt.datetime(2024, 2, 29, 1, 2, 3, 4), dt.datetime(1999, 1, 1)),
    "aware": (
        pydantic.AwareDatetime,
        dt.datetime(2024, 2, 29, tzinfo=UTC),
        dt.datetime(1999, 1, 1, tzinfo=UTC),
    ),
    "time": (dt.time, dt.time(1, 2, 3, 4), dt.time(0)),
    "timedelta": (dt.timedelta, dt.timedelta(days=-1), dt.timedelta(1)),
    "decimal": (decimal.Decimal, decimal.Decimal("1.5"), decimal.Decimal("-2")),
    "enum": (Kind, Kind.TWO, Kind.ONE),
    "bool": (bool, True, False),
    "float": (float, 0.1, -1e300),
    "ip": (ipaddress.IPv4Address, ipaddress.IPv4Address("10.0.0.1"), ipaddress.IPv4Address("10.0.0.2")),
}


def keyed(name: str, annotation: Any) -> Any:
    namespace = {
        "__module__": __name__,
        "__annotations__": {"key": annotation, "note": str},
        "key": Field(db_pk=True),
        "note": "",
        "Meta": type("Meta", (), {"is_table": True, "table_name": f"key_{name}"}),
    }
    made = type(f"Key_{name}", (Model,), namespace)
    unregister_table(made)
    return made


TABLES = {name: keyed(name, annotation) for name, (annotation, _, _) in KEYS.items()}


@pytest_asyncio.fixture
async def tables(fresh_database: Server) -> AsyncIterator[str]:
    async with served(fresh_database, list(TABLES.values())):
        yield fresh_database.backend


async def test_any_type_may_be_a_key(tables: str) -> None:
    for name, (_, one, other) in KEYS.items():
        model = TABLES[name]
        row = await model.objects.create(key=one)
        assert (await model.objects.get(pk=one)) == row
        assert set(await model.objects.in_bulk([one, other])) == {one}
        row.note = "changed"
        await row.save()
        assert (await model(key=one).refresh()).note == "changed"
        if name != "int":  # an integer that is the key counts by itself: saving it is an update
            fresh = await model(key=other).save()
            assert is_saved(fresh) and await model.objects.count() == 2, name
        else:
            with pytest.raises(NotFoundError):
                await model(key=other).save()
        assert await row.delete() == 1
        assert not await model.objects.filter(key=one).exists()


def ddl(annotation: Any, server: str, *, more: bool = False, **arguments: Any) -> str:
    """The first column of a table, as that server's DDL has it."""
    namespace: dict[str, Any] = {
        "__module__": __name__,
        "__annotations__": {"f": annotation, **({"g": int} if more else {})},
        "f": Field(**arguments),
        **({"g": Field(db_pk=True)} if more else {}),
        "Meta": type("Meta", (), {"is_table": True, "table_name": "t"}),
    }
    made: Any = type("Shown", (Model,), namespace)
    unregister_table(made)
    made_by = _core.ddl_create(describe_tables([made]), server, False)
    text = str(next(statement for statement in made_by if statement.startswith("CREATE TABLE")))
    return text.partition("(")[2].replace("`", '"').rpartition(")")[0]


@pytest.mark.parametrize(
    ("arguments", "postgres", "mysql", "sqlite"),
    [
        ({}, "BIGSERIAL PRIMARY KEY", "BIGINT PRIMARY KEY AUTO_INCREMENT", "INTEGER PRIMARY KEY"),
        ({"db_type": "INTEGER"}, "INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY"),
        (
            {"db_type": "SERIAL"},
            "SERIAL PRIMARY KEY",
            "INT PRIMARY KEY AUTO_INCREMENT",
            "INTEGER PRIMARY KEY",
        ),
        (
            {"db_type": "BIGSERIAL", "db_unique": True},
            "BIGSERIAL PRIMARY KEY",
            "BIGINT PRIMARY KEY AUTO_INCREMENT",
            "INTEGER PRIMARY KEY",
        ),
    ],
    ids=str,
)
def test_single_integer_keys_count_by_themselves(
    arguments: dict[str, Any], postgres: str, mysql: str, sqlite: str
) -> None:
    for server, expected in (
        ("postgres", postgres),
        ("mysql", mysql),
        ("mariadb", mysql),
        ("sqlite", sqlite),
    ):
        assert ddl(int, server, db_pk=True, **arguments) == f'"f" {expected}'


def test_keys_of_several_columns_do_not_count() -> None:
    for server, kind in (("postgres", "BIGINT"), ("mysql", "BIGINT"), ("sqlite", "INTEGER")):
        column = ddl(int, server, more=True, db_pk=True)
        assert column == f'"f" {kind}, "g" {kind}, PRIMARY KEY ("f", "g")'


class Owner(Model):
    id: int | None = Field(default=None, db_pk=True)

    class Meta:
        is_table = True
        table_name = "key_owners"


unregister_table(Owner)


def test_foreign_keys_do_not_count() -> None:
    for server, kind in (("postgres", "BIGINT"), ("mysql", "BIGINT"), ("sqlite", "INTEGER")):
        columns = ddl(Owner, server, db_pk=True)
        assert columns.startswith(f'"f_id" {kind} PRIMARY KEY'), columns
        assert "AUTO_INCREMENT" not in columns


def test_clauses_stand_in_their_order() -> None:
    assert ddl(int, "postgres", default=3, db_unique=True) == '"f" BIGINT NOT NULL UNIQUE DEFAULT 3'
    assert ddl(int, "mysql", default=3, db_unique=True) == '"f" BIGINT NOT NULL UNIQUE DEFAULT 3'
    assert ddl(int | None, "sqlite", default=3, db_nullable=False) == '"f" INTEGER NOT NULL DEFAULT 3'
    assert ddl(int, "sqlite", default=3, db_default="7") == '"f" INTEGER NOT NULL DEFAULT 7'
    assert ddl(list[int], "postgres", default_factory=list) == '"f" BIGINT[] NOT NULL'
    assert ddl(float, "postgres", default=math.inf) == '"f" DOUBLE PRECISION NOT NULL'


# --- defaults ------------------------------------------------------------------------------------


@dataclasses.dataclass
class Spot:
    x: int = 1


class Sub(pydantic.BaseModel):
    x: int = 1
    s: str = "it's"


class Defaults(Model):
    id: int = Field(db_pk=True)
    text: str = 'it\'s \\ "x" %s $1 ?'
    flag: bool = True
    unset: bool = False
    number: int = -5
    ratio: float = 1e-7
    price: decimal.Decimal = decimal.Decimal("9.90")
    span: dt.timedelta = dt.timedelta(days=-1, microseconds=1)
    uid: uuid.UUID = uuid.UUID(int=7)
    day: dt.date = dt.date(2024, 2, 29)
    clock: dt.time = dt.time(1, 2, 3, 4)
    at: dt.datetime = dt.datetime(2024, 2, 29, 1, 2, 3, 456)
    aware: pydantic.AwareDatetime = dt.datetime(2024, 2, 29, 1, tzinfo=UTC)
    host: ipaddress.IPv4Address = ipaddress.IPv4Address("10.0.0.1")
    net: ipaddress.IPv6Network = ipaddress.IPv6Network("2001:db8::/32")
    raw: bytes = b"\x00'\xff"
    kind: Kind = Kind.TWO
    doc: dict[str, Any] = {"a": ["it's", 1.5, None], "b": "\\"}
    sub: Sub = Sub()
    spot: Spot = Spot()
    numbers: list[int] = [1, 2]
    texts: list[str] = ['a"b', "c,d", "it's", "{}", "NULL", ""]
    kinds: list[Kind] = [Kind.TWO]
    days: set[dt.date] = {dt.date(2024, 2, 29)}
    anything: Any = [1, {"a": "b"}]
    link: pydantic.HttpUrl = pydantic.HttpUrl("http://a.b/")
    coded: Kind = Field(default=Kind.TWO, db_type="VARCHAR(9)")
    filled: dt.datetime = Field(db_default="CURRENT_TIMESTAMP")
    raw_sql: int = Field(default=1, db_default="(40 + 2)")

    class Meta:
        is_table = True
        table_name = "key_defaults"


unregister_table(Defaults)


@pytest_asyncio.fixture
async def defaults(fresh_database: Server) -> AsyncIterator[str]:
    async with served(fresh_database, [Defaults]):
        yield fresh_database.backend


async def test_the_database_knows_every_default(defaults: str) -> None:
    await execute_raw("INSERT INTO key_defaults (id) VALUES (1)")
    (row,) = await Defaults.objects.all()
    expected = Defaults(id=1)
    for name in Defaults.model_fields:
        if name not in ("filled", "raw_sql"):
            found, wanted = getattr(row, name), getattr(expected, name)
            assert (found, type(found)) == (wanted, type(wanted)), name
    assert row.raw_sql == 42
    assert abs(row.filled - dt.datetime.now(UTC).replace(tzinfo=None)) < dt.timedelta(days=2)
