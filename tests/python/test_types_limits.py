"""What a column could not give back is refused, or changed in the one way that is written down."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import uuid
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pydantic
import pytest
import pytest_asyncio
from parcels import served
from servers import Server, chosen

from oxyde import DataError, Field, Model, execute_raw
from oxyde.models.registry import unregister_table

UTC = dt.timezone.utc
EAST = dt.timezone(dt.timedelta(hours=2))


class Limit(Model):
    id: int | None = Field(default=None, db_pk=True)
    number: int | None = None
    text: str | None = Field(default=None, max_length=5)
    plain: str | None = None
    texts: list[str] | None = None
    long: str | None = Field(default=None, db_type="TEXT")
    raw: bytes | None = None
    ratio: float | None = None
    naive: dt.datetime | None = None
    aware: pydantic.AwareDatetime | None = None
    zoned: dt.datetime | None = Field(default=None, db_type="TIMESTAMP")
    clock: dt.time | None = None
    span: dt.timedelta | None = None
    cents: decimal.Decimal | None = Field(default=None, max_digits=8, decimal_places=2)
    whole: decimal.Decimal | None = Field(default=None, max_digits=4)
    doc: Any = None
    grid: list[list[int]] | None = None
    floats: list[float] | None = None

    class Meta:
        is_table = True
        table_name = "limits"


class Sequel(Model):
    """JSON, where arrays are not wanted."""

    id: int | None = Field(default=None, db_pk=True)
    grid: list[list[int]] = Field(default=[], db_type="JSON")

    class Meta:
        is_table = True
        table_name = "limits_json"


for model in (Limit, Sequel):
    unregister_table(model)


@pytest_asyncio.fixture
async def backend(fresh_database: Server) -> AsyncIterator[str]:
    async with served(fresh_database, [Limit, Sequel]):
        yield fresh_database.backend


async def stored(name: str, value: Any) -> Any:
    """The value after it was stored past validation, as the model and values() give it."""
    row = Limit.model_construct(**{name: value})
    made = await Limit.objects.create(instance=row)
    loaded = getattr(await Limit.objects.get(pk=made.id), name)
    (plain,) = await Limit.objects.filter(pk=made.id).values_list(name, flat=True).all()
    assert repr(plain) == repr(loaded)
    return loaded


EVERYWHERE: list[tuple[str, Any, str]] = [
    ("number", 2**63, "64 bits"),
    ("number", -(2**63) - 1, "64 bits"),
    ("number", 10**30, "64 bits"),
    ("text", "a\ud800", "surrogate"),
    ("long", "\udfff", "surrogate"),
    ("ratio", 2**53 + 1, "exact float"),
    ("aware", dt.datetime(1, 1, 1, tzinfo=EAST), "1 to 9999"),
    ("aware", dt.datetime(9999, 12, 31, 23, tzinfo=dt.timezone(-dt.timedelta(hours=2))), "1 to 9999"),
    ("clock", dt.time(1, tzinfo=UTC), "zone|TIMETZ"),
    ("span", dt.timedelta.max, "64 bits|microseconds"),
    ("cents", decimal.Decimal("1.005"), "fraction digits"),
    ("cents", decimal.Decimal("1000000"), "more digits"),
    ("whole", decimal.Decimal("1.5"), "fraction digits"),
    ("whole", decimal.Decimal("10000"), "more digits"),
    ("doc", {"a": math.inf}, "JSON|NaN"),
    ("doc", [math.nan], "JSON|NaN"),
    ("doc", {"a": {"b": "\ud800"}}, "surrogate"),
    ("doc", object(), "form"),
]


@pytest.mark.parametrize(("name", "value", "words"), EVERYWHERE, ids=lambda value: ascii(value)[:30])
async def test_no_server_takes_it_and_the_field_is_named(
    backend: str, name: str, value: Any, words: str
) -> None:
    with pytest.raises(DataError, match=rf"(?s)Limit\.{name}: .*({words})"):
        await stored(name, value)
    assert await Limit.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "value", "servers"),
    [
        ("ratio", math.nan, {"postgres"}),
        ("ratio", math.inf, {"postgres", "sqlite"}),
        ("ratio", -math.inf, {"postgres", "sqlite"}),
        ("floats", [math.inf], {"postgres"}),
        ("floats", [math.nan], {"postgres"}),
        ("long", "a\0b", {"sqlite", "mysql"}),
        ("doc", {"\0": "\0"}, {"sqlite", "mysql"}),
        ("doc", 2**64, {"sqlite", "postgres"}),
        ("doc", [-(2**70)], {"sqlite", "postgres"}),
        ("naive", dt.datetime(999, 12, 31), {"sqlite", "postgres"}),
        ("naive", dt.datetime(1, 1, 1), {"sqlite", "postgres"}),
        ("grid", [[1], [2, 3]], {"sqlite", "mysql"}),
        ("grid", [[]], {"sqlite", "mysql"}),
    ],
    ids=ascii,
)
async def test_some_servers_take_it(backend: str, name: str, value: Any, servers: set[str]) -> None:
    if backend in servers:
        assert repr(await stored(name, value)) == repr(value)
    else:
        error = ValueError if name == "grid" else DataError
        with pytest.raises(error, match=rf"Limit\.{name}|limits"):
            await stored(name, value)
        assert await Limit.objects.count() == 0


async def test_nested_lists_that_are_no_boxes_have_a_way_out(backend: str) -> None:
    for grid in ([[1], [2, 3]], [[]], [[], [1]]):
        if backend == "postgres":
            with pytest.raises(ValueError, match=r'Limit\.grid.*db_type="JSONB"'):
                await Limit.objects.create(grid=grid)
        row = await Sequel.objects.create(grid=grid)
        assert (await Sequel.objects.get(pk=row.id)).grid == grid


async def test_text_beyond_the_column_is_never_cut(backend: str) -> None:
    """Servers cut blanks off the end, and 255 is the column's own limit where the field has none."""
    for text in ("x" * 256, "x" * 255 + " ", "\U0001f600" * 254 + "  "):
        if backend == "sqlite":
            assert await stored("plain", text) == text
        else:
            with pytest.raises(DataError, match=r"Limit\.plain: .*more characters than the column"):
                await stored("plain", text)
            with pytest.raises(DataError, match=r"Limit\.plain"):
                await Limit.objects.update(plain=text)
        assert await Limit.objects.filter(plain=text).count() == (backend == "sqlite")
        await Limit.objects.delete()
    assert await stored("plain", "\U0001f600" * 254 + " ") == "\U0001f600" * 254 + " "
    with pytest.raises(DataError if backend == "postgres" else AssertionError):
        assert await stored("texts", ["x" * 256]) != ["x" * 256]


async def test_a_lost_zone_is_told_once_and_comes_back_naive(backend: str) -> None:
    when = dt.datetime(2031, 5, 6, 7, tzinfo=EAST)

    class Told(Model):
        id: int | None = Field(default=None, db_pk=True)
        one: dt.datetime | None = None
        two: dt.datetime | None = None

        class Meta:
            is_table = True
            table_name = "limits_told"

    unregister_table(Told)
    from oxyde import create_tables, db

    await create_tables(await db.get_connection(), models=[Told])
    with pytest.warns(RuntimeWarning, match=r"Told\.one.*UTC"):
        await Told.objects.create(one=when)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await Told.objects.create(one=when)
        assert await Told.objects.filter(one=when).count() == 2
    with pytest.warns(RuntimeWarning, match=r"Told\.two"):
        await Told.objects.update(two=when)
    (row, _) = await Told.objects.order_by("id").all()
    assert (row.one, row.two) == (dt.datetime(2031, 5, 6, 5), dt.datetime(2031, 5, 6, 5))


async def test_a_naive_value_in_a_zoned_column_is_taken_as_utc(backend: str) -> None:
    found = await stored("aware", dt.datetime(2031, 5, 6, 7))
    assert found == dt.datetime(2031, 5, 6, 7, tzinfo=UTC)
    assert found.utcoffset() == dt.timedelta(0)
    found = await stored("aware", dt.datetime(2031, 5, 6, 7, tzinfo=EAST))
    assert (found, found.utcoffset()) == (dt.datetime(2031, 5, 6, 5, tzinfo=UTC), dt.timedelta(0))


async def test_a_bytearray_is_taken_for_bytes(backend: str) -> None:
    assert await stored("raw", bytearray(b"\x00\xff")) == b"\x00\xff"
    assert Limit(raw=bytearray(b"ab")).raw == b"ab"  # type: ignore[arg-type]
    with pytest.raises(pydantic.PydanticSchemaGenerationError):
        type("Odd", (Model,), {"__annotations__": {"value": bytearray}, "__module__": __name__})


async def test_minus_zero_is_the_exception_of_two_servers(backend: str, fresh_database: Server) -> None:
    found = await stored("ratio", -0.0)
    assert found == 0.0
    assert math.copysign(1, found) == (1 if fresh_database.name in ("sqlite", "mariadb") else -1)


@pytest.mark.parametrize("server", [name for name in chosen() if name == "postgres"], indirect=True)
async def test_intervals_with_months_are_refused_and_json_is_compared_as_jsonb(backend: str) -> None:
    class Span(Model):
        id: int | None = Field(default=None, db_pk=True)
        took: dt.timedelta | None = Field(default=None, db_type="INTERVAL")
        doc: dict[str, Any] | None = Field(default=None, db_type="JSON")

        class Meta:
            is_table = True
            table_name = "limits_spans"

    unregister_table(Span)
    await execute_raw("CREATE TABLE limits_spans (id BIGSERIAL PRIMARY KEY, took INTERVAL, doc JSON)")
    await execute_raw("INSERT INTO limits_spans (took) VALUES ('1 month')")
    with pytest.raises(DataError, match=r"limits_spans.*took"):
        await Span.objects.all()
    await Span.objects.delete()
    kept = await Span.objects.create(
        doc={"b": 1, "a": [1.0, None]}, took=dt.timedelta(days=3, microseconds=1)
    )
    assert await Span.objects.filter(doc={"a": [1.0, None], "b": 1}).count() == 1
    assert await Span.objects.exclude(doc={"a": 2}).count() == 1
    assert (await Span.objects.get(pk=kept.id)).took == dt.timedelta(days=3, microseconds=1)


class Hiding(pydantic.BaseModel):
    """A part of a JSON column, of which Pydantic leaves something out and renames the rest."""

    kept: int = pydantic.Field(exclude=True)
    shown: int = pydantic.Field(serialization_alias="other")


class Changing(pydantic.BaseModel):
    """One that Pydantic writes otherwise."""

    shown: int

    @pydantic.field_serializer("shown")
    def _other(self, value: int) -> str:
        return "changed"


async def test_serialisers_and_exclusions_change_nothing_that_is_stored(backend: str) -> None:
    class Quiet(Model):
        id: int | None = Field(default=None, db_pk=True)
        secret: uuid.UUID = Field(exclude=True)
        number: int = 0
        doc: dict[str, int] = {}
        hiding: Hiding
        changing: list[Changing] = []

        @pydantic.field_serializer("number", "doc")
        def _other(self, value: Any) -> str:
            return "shown"

        class Meta:
            is_table = True
            table_name = "limits_quiet"

    unregister_table(Quiet)
    from oxyde import create_tables, db

    await create_tables(await db.get_connection(), models=[Quiet])
    hiding, changing = Hiding(kept=1, shown=2), [Changing(shown=3)]
    made = await Quiet.objects.create(
        secret=uuid.UUID(int=5), number=7, doc={"a": 1}, hiding=hiding, changing=changing
    )
    found = await Quiet.objects.get(pk=made.id)
    assert (found.secret, found.number, found.doc) == (uuid.UUID(int=5), 7, {"a": 1})
    assert (found.hiding, found.changing) == (hiding, changing)
    assert found.model_dump() == {
        "id": made.id,
        "number": "shown",
        "doc": "shown",
        "hiding": {"shown": 2},
        "changing": [{"shown": "changed"}],
    }
