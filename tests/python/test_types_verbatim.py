"""Fields with a db_type of their own on PostgreSQL: whatever column the server makes of it, values
come back as they went, are found, and can be updated by every kind of update."""

from __future__ import annotations

import enum
import ipaddress
import uuid
from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from servers import Server, chosen, drop_everything

from oxyde import Case, Field, Model, Value, When, db, execute_raw
from oxyde.models.registry import unregister_table


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


UID = uuid.UUID(int=5)
COLUMNS: list[tuple[Any, str, Any, Any]] = [
    # annotation, db_type, a value, another
    (int, "TEXT", -5, 7),
    (float, "TEXT", 0.1, -1e300),
    (Decimal, "TEXT", Decimal("1.50"), Decimal("0.10")),
    (uuid.UUID, "TEXT", UID, uuid.UUID(int=6)),
    (date, "TEXT", date(2020, 1, 2), date(1, 1, 1)),
    (time, "TEXT", time(1, 2, 3, 4), time(0)),
    (datetime, "TEXT", datetime(2020, 1, 2, 3, 4, 5, 6), datetime(9999, 12, 31)),
    (ipaddress.IPv4Address, "TEXT", ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("192.0.2.2")),
    (Mood, "TEXT", Mood.BAD, Mood.GOOD),
    (dict[str, Any], "TEXT", {"a": [1, None]}, {}),
    (list[int], "TEXT", [1, 2], []),
    (Decimal, "CHAR(20)", Decimal("1.50"), Decimal("-2")),
    (Decimal, "verbatim_text", Decimal("1.50"), Decimal("-2")),
    (int, "verbatim_text", 5, -6),
    (datetime, "verbatim_text", datetime(2020, 1, 2, 3), datetime(2021, 1, 1)),
    (int, "NUMERIC(20,0)", 2**62, -1),
    (float, "NUMERIC", 0.1, 2.5),
    (bool, "INTEGER", True, False),
    (timedelta, "INTEGER", timedelta(microseconds=5), timedelta(seconds=-1)),
    (Decimal, "REAL", Decimal("0.5"), Decimal("2")),
    (int, "DOUBLE PRECISION", 3, -4),
    (int, "OID", 5, 2**32 - 1),
    (datetime, "TIMESTAMP(3)", datetime(2020, 1, 2, 3, 4, 5, 6000), datetime(1, 1, 1)),
    (time, "TIMETZ", time(1, 2, 3, tzinfo=timezone(timedelta(hours=2))), time(4, tzinfo=timezone.utc)),
    (timedelta, "INTERVAL", timedelta(days=1, seconds=1), timedelta(days=-3, microseconds=1)),
    (bytes, "BYTEA", b"\x00\xff", b""),
    (str, "UUID", str(UID), str(uuid.UUID(int=6))),
    (dict[str, Any], "JSON", {"a": [1.5]}, {}),
    (dict[str, Any], "JSONB", {"big": [1e300, -2.5e20, 2**70]}, {"e+": "1e+3"}),
    (str, "INET", "192.0.2.1", "192.0.2.0/24"),
    (list[Decimal], "TEXT[]", [Decimal("1.50")], []),
    (list[Decimal], "NUMERIC(10,2)[]", [Decimal("1.50")], [Decimal("2.25")]),
    (list[date], "TEXT[]", [date(2020, 1, 1)], []),
    (str, "BIT(8)", "10101010", "00000000"),
    (str, "TSVECTOR", "'a'", "'b' 'c'"),
    (Mood, "verbatim_mood", Mood.BAD, Mood.GOOD),
    (list[Mood], "verbatim_mood[]", [Mood.BAD, Mood.GOOD], []),
]
NAMES = [f"f{i}" for i in range(len(COLUMNS))]


def _model() -> Any:
    namespace: dict[str, Any] = {
        "__module__": __name__,
        "__annotations__": {"id": "int | None"},
        "id": Field(default=None, db_pk=True),
        "Meta": type("Meta", (), {"is_table": True, "table_name": "verbatim"}),
    }
    for name, (annotation, db_type, _, _) in zip(NAMES, COLUMNS, strict=True):
        namespace["__annotations__"][name] = annotation | None
        namespace[name] = Field(default=None, db_type=db_type)
    return type("Verbatim", (Model,), namespace)


Verbatim = _model()
unregister_table(Verbatim)  # only PostgreSQL has such columns: not for create_tables() of all models


@pytest_asyncio.fixture
async def table(fresh_database: Server) -> AsyncIterator[None]:
    drop_everything(fresh_database)
    async with db.connect(fresh_database.url):
        await execute_raw("DROP DOMAIN IF EXISTS verbatim_text")
        await execute_raw("DROP TYPE IF EXISTS verbatim_mood")
        await execute_raw("CREATE DOMAIN verbatim_text AS text")
        await execute_raw("CREATE TYPE verbatim_mood AS ENUM ('good', 'bad')")
        columns = ", ".join(f"{name} {column[1]}" for name, column in zip(NAMES, COLUMNS, strict=True))
        await execute_raw(f"CREATE TABLE verbatim (id BIGSERIAL PRIMARY KEY, {columns})")
        yield


async def read(pk: int) -> dict[str, Any]:
    row = await Verbatim.objects.get(pk=pk)
    return {name: getattr(row, name) for name in NAMES}


@pytest.mark.parametrize("server", [name for name in chosen() if name == "postgres"], indirect=True)
async def test_values_come_back_are_found_and_change(table: None) -> None:
    first = {name: column[2] for name, column in zip(NAMES, COLUMNS, strict=True)}
    second = {name: column[3] for name, column in zip(NAMES, COLUMNS, strict=True)}
    one = await Verbatim.objects.create(**first)
    assert {name: getattr(one, name) for name in NAMES} == first
    assert await read(one.id) == first
    made = await Verbatim.objects.bulk_create([Verbatim(**second), Verbatim()])
    assert await read(made[0].id) == second
    for name, (_, db_type, value, _) in zip(NAMES, COLUMNS, strict=True):
        if db_type != "JSON":  # has no equality
            assert await Verbatim.objects.filter(**{name: value}).count() == 1, (name, db_type)
    assert await Verbatim.objects.filter(id=made[1].id).update(**first) == 1
    assert await read(made[1].id) == first
    for name in NAMES:
        setattr(one, name, second[name])
        setattr(made[1], name, None)
    assert await Verbatim.objects.bulk_update([one, made[1]], NAMES) == 2
    assert await read(one.id) == second
    assert await read(made[1].id) == dict.fromkeys(NAMES)
    cases = {
        name: Case(When(id=one.id, then=Value(first[name])), default=Value(second[name])) for name in NAMES
    }
    assert await Verbatim.objects.update(**cases) == 3
    assert await read(one.id) == first
    assert await read(made[1].id) == second
