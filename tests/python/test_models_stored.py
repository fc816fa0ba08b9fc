"""What stands in the tables, as other tools see it; and what an instance knows of its row."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import ipaddress
import pathlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pydantic
import pytest
import pytest_asyncio
from parcels import served
from servers import Server

from oxyde import F, Field, Model, NotFoundError, execute_raw, is_saved
from oxyde.models.registry import unregister_table

UTC = dt.timezone.utc


class Hue(enum.Enum):
    RED = "red"


class Stored(Model):
    id: int | None = Field(default=None, db_pk=True)
    flag: bool | None = None
    at: dt.datetime | None = None
    aware: pydantic.AwareDatetime | None = None
    day: dt.date | None = None
    clock: dt.time | None = None
    span: dt.timedelta | None = None
    uid: uuid.UUID | None = None
    price: decimal.Decimal | None = Field(default=None, max_digits=10, decimal_places=4)
    host: ipaddress.IPv4Address | None = None
    hue: Hue | None = None
    secret: pydantic.SecretStr | None = None
    doc: dict[str, Any] | None = None
    whens: list[dt.datetime] | None = None
    spans: list[dt.timedelta] | None = None
    raws: list[bytes] | None = None
    uids: list[uuid.UUID] | None = None
    prices: set[decimal.Decimal] | None = None
    words: set[str] | None = None

    class Meta:
        is_table = True
        table_name = "stored_things"


class Chosen(Model):
    """A key from a factory, which nobody has given."""

    key: uuid.UUID = Field(db_pk=True, default_factory=uuid.uuid4)
    note: str = ""

    class Meta:
        is_table = True
        table_name = "stored_chosen"


class Filled(Model):
    """A key that the database makes up."""

    key: str = Field(db_pk=True, max_length=9, db_default="'made'")
    note: str = ""

    class Meta:
        is_table = True
        table_name = "stored_filled"


class Ice(Model, frozen=True):
    id: int | None = Field(default=None, db_pk=True)
    note: str = ""
    above: Ice | None = None
    below: list[Ice] = Field(db_reverse_fk="above")

    class Meta:
        is_table = True
        table_name = "stored_ice"


class Judged(Model):
    id: int | None = Field(default=None, db_pk=True)
    low: int = Field(default=0, ge=0)
    high: int = 9

    @pydantic.model_validator(mode="after")
    def _in_order(self) -> Judged:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self

    class Meta:
        is_table = True
        table_name = "stored_judged"


class Guarded(Model, extra="forbid", strict=True, frozen=True):
    """What is asked of input and not of rows."""

    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(default="", alias="label")
    place: pathlib.Path | None = None  # stored as text, which a strict field refuses

    class Meta:
        is_table = True
        table_name = "stored_guarded"


class Watched(Guarded):
    """The same, where rows go through the model's validator."""

    @pydantic.model_validator(mode="after")
    def _seen(self) -> Watched:
        return self

    class Meta:
        is_table = True
        table_name = "stored_watched"


MODELS: list[type[Model]] = [Stored, Chosen, Filled, Ice, Judged, Guarded, Watched]
for model in MODELS:
    unregister_table(model)


@pytest_asyncio.fixture
async def backend(fresh_database: Server) -> AsyncIterator[str]:
    async with served(fresh_database, MODELS):
        yield fresh_database.backend


# name: (value, text on PostgreSQL, on MySQL and MariaDB, on SQLite)
FORMS: dict[str, tuple[Any, str, str, str]] = {
    "flag": (True, "true", "1", "1"),
    "at": (
        dt.datetime(2031, 5, 6, 7, 8, 9),
        "2031-05-06 07:08:09", "2031-05-06 07:08:09.000000", "2031-05-06 07:08:09",
    ),
    "aware": (
        dt.datetime(2031, 5, 6, 9, 8, 9, 120000, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        "2031-05-06 07:08:09.12", "2031-05-06 07:08:09.120000", "2031-05-06 07:08:09.120000",
    ),
    "day": (dt.date(2031, 5, 6), *["2031-05-06"] * 3),
    "clock": (dt.time(7, 8, 9), "07:08:09", "07:08:09.000000", "07:08:09"),
    "span": (dt.timedelta(seconds=1, microseconds=2), *["1000002"] * 3),
    "uid": (uuid.UUID(int=5), *["00000000-0000-0000-0000-000000000005"] * 3),
    "price": (decimal.Decimal("1.50"), "1.5000", "1.5000", "1.50"),
    "host": (ipaddress.IPv4Address("192.0.2.1"), "192.0.2.1/32", "192.0.2.1", "192.0.2.1"),
    "hue": (Hue.RED, *["red"] * 3),
    "secret": (pydantic.SecretStr("pw"), *["pw"] * 3),
    "doc": ({"a": [1, None], "b": "ü"}, *['{"a":[1,null],"b":"ü"}'] * 3),
    "whens": (
        [dt.datetime(2031, 5, 6, 7, 8, 9)],
        '{"2031-05-06 07:08:09"}', *['["2031-05-06T07:08:09"]'] * 2,
    ),
    "spans": ([dt.timedelta(seconds=1)], "{1000000}", *["[1000000]"] * 2),
    "raws": ([b"\xff\x00"], '{"\\\\xff00"}', *['["/wA="]'] * 2),
    "uids": ([uuid.UUID(int=5)], "{00000000-0000-0000-0000-000000000005}",
             *['["00000000-0000-0000-0000-000000000005"]'] * 2),
    "prices": ({decimal.Decimal("2.50"), decimal.Decimal("1")}, "{1,2.50}", *['["1","2.50"]'] * 2),
    # Sets are sorted, so that equal ones are equal text.
    "words": (set("hgfedcba"), "{a,b,c,d,e,f,g,h}", *['["a","b","c","d","e","f","g","h"]'] * 2),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
async def test_what_stands_in_the_table(backend: str, name: str) -> None:
    value, *forms = FORMS[name]
    row = await Stored.objects.create(**{name: value})
    await Stored.objects.create(instance=Stored())
    cast = "CHAR" if backend == "mysql" else "TEXT"
    shown = f"{name} AT TIME ZONE 'UTC'" if (backend, name) == ("postgres", "aware") else name
    rows = await execute_raw(f"SELECT CAST({shown} AS {cast}) AS shown FROM stored_things ORDER BY id")
    expected = forms[("postgres", "mysql", "sqlite").index(backend)]
    found = rows[0]["shown"]
    if expected[0] in "[{":
        found = found.replace(": ", ":").replace(", ", ",")  # servers write their JSON with blanks
    assert (found, rows[1]["shown"]) == (expected, None)
    if backend == "sqlite":
        (kind,) = await execute_raw(
            f"SELECT typeof({name}) AS kind FROM stored_things WHERE {name} IS NOT NULL"
        )
        assert kind["kind"] == ("integer" if name in ("flag", "span") else "text")
    assert getattr(await Stored.objects.get(id=row.id), name) == value


async def test_values_show_what_is_stored_through_text(backend: str) -> None:
    made = await Stored.objects.create(secret=pydantic.SecretStr("pw"))
    assert await Stored.objects.values_list("secret", flat=True).all() == ["pw"]
    assert (await Stored.objects.get(id=made.id)).secret == pydantic.SecretStr("pw")
    await Guarded.objects.create(place=pathlib.Path("/x"))
    assert await Guarded.objects.values("place").all() == [{"place": "/x"}]
    assert (await Guarded.objects.get()).place == pathlib.Path("/x")


async def test_an_instance_knows_whether_it_is_stored(backend: str) -> None:
    fresh = Stored()
    assert not is_saved(fresh)
    await fresh.save()
    assert is_saved(fresh) and is_saved(await Stored.objects.get(id=fresh.id))
    made, other = await Stored.objects.bulk_create([Stored(), Stored()])
    assert is_saved(made) and is_saved(other)
    assert is_saved(await Stored.objects.create(flag=True))
    again = Stored(id=made.id)
    assert not is_saved(again)
    await again.refresh()
    assert is_saved(again)
    assert await again.delete() == 1
    assert not is_saved(again) and is_saved(made)  # another instance of the row, which does not know
    assert "saved" not in repr(made.model_dump())
    assert Stored.model_validate(other.model_dump()) == other
    assert not is_saved(Stored.model_validate(other.model_dump()))


async def test_a_key_from_a_factory_is_a_new_row(backend: str) -> None:
    one = await Chosen(note="a").save()
    assert await Chosen.objects.count() == 1
    again = await Chosen(key=one.key, note="b").save()  # given: there is one, so it is changed
    assert (await Chosen.objects.get()).note == again.note == "b"
    await Chosen(key=uuid.UUID(int=1)).save()
    assert await Chosen.objects.count() == 2


async def test_a_given_key_that_the_database_would_make_is_a_stored_row(backend: str) -> None:
    await execute_raw("INSERT INTO stored_filled (note) VALUES ('a')")
    await Filled(key="made", note="b").save()
    assert await Filled.objects.values_list("key", "note").all() == [("made", "b")]
    with pytest.raises(NotFoundError, match="Filled with key='other' not found"):
        await Filled(key="other").save()


async def test_frozen_models_work_everywhere(backend: str) -> None:
    top = await Ice.objects.create(note="top")
    one, two = await Ice.objects.bulk_create([Ice(note="a", above=top), Ice(note="b", above_id=top.id)])
    assert one.id is not None and two.above_id == top.id
    joined = await Ice.objects.join("above").get(id=one.id)
    assert joined.above == top
    held = await Ice.objects.prefetch("below").get(id=top.id)
    assert [row.note for row in held.below] == ["a", "b"]
    await Ice.objects.filter(id=one.id).update(note="c")
    await one.refresh()
    assert one.note == "c"
    await one.save()
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        one.note = "d"


@pytest.mark.parametrize("model", [Guarded, Watched])
async def test_what_guards_input_does_not_guard_rows(backend: str, model: Any) -> None:
    made = await model.objects.create(label="a", place=pathlib.Path("/x"))
    for query in (
        model.objects,
        model.objects.only("id", "name", "place"),
        model.objects.only("name", "place"),
    ):
        row = await query.get()
        assert (row.name, row.place) == ("a", pathlib.Path("/x"))
    row = await model.objects.annotate(twice=F("id") + F("id")).get()
    assert (row.name, row.twice) == ("a", made.id * 2)
    for wrong in ({"label": "a", "unknown": 1}, {"label": "a", "place": "/x"}):
        with pytest.raises(pydantic.ValidationError):
            model(**wrong)
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        row.name = "b"


async def test_rows_are_judged_as_input_is(backend: str) -> None:
    await execute_raw("INSERT INTO stored_judged (low, high) VALUES (5, 1)")
    with pytest.raises(pydantic.ValidationError, match="low is above high"):
        await Judged.objects.all()
    assert (await Judged.objects.only("low").get()).low == 5  # not the whole row: not the model's rule
    await execute_raw("UPDATE stored_judged SET low = -5")
    with pytest.raises(pydantic.ValidationError, match="greater than or equal to 0"):
        await Judged.objects.only("low").get()


async def test_what_other_tools_write_is_read(backend: str) -> None:
    """Datetime text of any shape and numbers as text; on SQLite, where tables do not forbid them."""
    if backend != "sqlite":
        await execute_raw("INSERT INTO stored_things (at) VALUES ('2031-05-06T07:08:09.5')")
        assert (await Stored.objects.get()).at == dt.datetime(2031, 5, 6, 7, 8, 9, 500000)
        return
    for text, wanted in (
        ("2031-05-06T07:08:09", dt.datetime(2031, 5, 6, 7, 8, 9)),
        ("2031-05-06 07:08:09.1", dt.datetime(2031, 5, 6, 7, 8, 9, 100000)),
        ("2031-05-06T09:08:09+02:00", dt.datetime(2031, 5, 6, 7, 8, 9)),
        ("2031-05-06 07:08:09.123456000", dt.datetime(2031, 5, 6, 7, 8, 9, 123456)),
    ):
        await Stored.objects.delete()
        await execute_raw(
            f"INSERT INTO stored_things (at, aware, price, span) VALUES ('{text}', '{text}', 2.5, '7')"
        )
        row = await Stored.objects.get()
        assert (row.at, row.aware) == (wanted, wanted.replace(tzinfo=UTC))
        assert (row.price, row.span) == (decimal.Decimal("2.5"), dt.timedelta(microseconds=7))
