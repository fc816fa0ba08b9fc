"""Decimals, days, moments and documents that are read without their constructors are what the
constructors make: of the same parts, and of use in the same ways."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import AsyncIterator
from datetime import date, datetime, timezone
from decimal import Decimal, localcontext
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oxyde import DataError, Field, Model, _core, create_tables, db, execute_raw
from oxyde.exceptions import OxydeError


class Kept(Model):
    """Columns of text, so that anything can be in them."""

    id: int | None = Field(default=None, db_pk=True)
    number: Decimal | None = Field(default=None, db_type="TEXT")
    limited: Decimal | None = Field(default=None, max_digits=8, decimal_places=3, db_type="TEXT")
    day: date | None = Field(default=None, db_type="TEXT")
    moment: datetime | None = Field(default=None, db_type="TEXT")
    document: Any = None

    class Meta:
        is_table = True


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database() -> AsyncIterator[db.AsyncDatabase]:
    async with db.connect("sqlite://") as opened:
        await create_tables(opened, models=[Kept])
        yield opened


pytestmark = pytest.mark.asyncio(loop_scope="module")
QUICKLY = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


async def _read(database: db.AsyncDatabase, column: str, text: str) -> Any:
    await execute_raw(
        'INSERT OR REPLACE INTO kept (id, "' + column + '") VALUES (1, ?)', [text], client=database
    )
    return getattr(await Kept.objects.get(id=1, client=database), column)


async def test_decimals_are_known_on_this_interpreter() -> None:
    """Where they are not, the constructor makes them: right but slower, and a new CPython needs a look."""
    assert _core.DECIMALS_DIRECT


DIGITS = st.text("0123456789", max_size=24)
WRITTEN = st.builds(
    lambda sign, whole, point, places, rest: sign + whole + point + places + rest,
    st.sampled_from(["", "-", "+"]),
    DIGITS | st.sampled_from(["0", "000", "9" * 18, "9" * 19, "1" + "0" * 19]),
    st.sampled_from(["", ".", ".", ".."]),
    DIGITS | st.sampled_from(["0", "00", "000001", "0000000001"]),
    st.sampled_from(["", "", "", "", "e5", "E-3", " ", "x"]),
)


@QUICKLY
@given(text=WRITTEN)
async def test_a_decimal_is_what_its_class_makes(database: db.AsyncDatabase, text: str) -> None:
    try:
        expected = Decimal(text)
    except ArithmeticError:
        with pytest.raises(OxydeError):
            await _read(database, "number", text)
        return
    if text != text.strip():
        return
    found = await _read(database, "number", text)
    assert type(found) is Decimal
    assert str(found) == str(expected) and found.as_tuple() == expected.as_tuple()
    assert hash(found) == hash(expected) and found == expected and repr(found) == repr(expected)
    assert found.__sizeof__() == expected.__sizeof__()
    assert copy.deepcopy(found) == pickle.loads(pickle.dumps(found)) == expected
    with localcontext() as context:
        context.prec = 60
        for other in (Decimal("3.7"), Decimal(10) ** 30, expected):
            assert (found + other).as_tuple() == (expected + other).as_tuple()
            assert (found * other).as_tuple() == (expected * other).as_tuple()
        assert (-found).as_tuple() == (-expected).as_tuple()
        assert found.normalize().as_tuple() == expected.normalize().as_tuple()


@QUICKLY
@given(
    text=WRITTEN | st.sampled_from(["NaN", "Infinity", "0.000", "-0.0001", "12345.678", "123456.789", "1E+2"])
)
async def test_limits_count_digits_as_pydantic_does(database: db.AsyncDatabase, text: str) -> None:
    try:
        number = Decimal(text)
    except ArithmeticError:
        return
    if text != text.strip():
        return
    try:
        expected: Any = Kept.model_validate({"limited": number}).limited
    except ValueError:
        with pytest.raises((OxydeError, ValueError)):
            await _read(database, "limited", text)
        return
    found = await _read(database, "limited", text)
    assert found.as_tuple() == expected.as_tuple()


CALENDAR = st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z")


@QUICKLY
@given(text=CALENDAR | st.dates().map(str))
async def test_a_day_is_read_or_refused_as_by_its_class(database: db.AsyncDatabase, text: str) -> None:
    try:
        expected = date.fromisoformat(text)
    except ValueError:
        with pytest.raises(DataError):
            await _read(database, "day", text)
        return
    found = await _read(database, "day", text)
    assert type(found) is date and found == expected


@QUICKLY
@given(moment=st.datetimes(), separator=st.sampled_from(" T"))
async def test_a_moment_is_read_as_by_its_class(
    database: db.AsyncDatabase, moment: datetime, separator: str
) -> None:
    found = await _read(database, "moment", moment.isoformat(separator))
    assert type(found) is datetime and found == moment and found.tzinfo is None


async def test_a_moment_in_a_column_of_days_is_refused(database: db.AsyncDatabase) -> None:
    assert await _read(database, "day", "2024-02-29 00:00:00") == date(2024, 2, 29)
    for text in ("2024-02-29 00:00:01", "2024-02-30", "0000-00-00", "2024-2-29", "2024-02-2x"):
        with pytest.raises(DataError):
            await _read(database, "day", text)
    assert datetime(2024, 2, 29, tzinfo=timezone.utc).date() == date(2024, 2, 29)


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)


@QUICKLY
@given(document=DOCUMENTS.filter(lambda value: value is not None), ascii_only=st.booleans())
async def test_a_document_is_what_json_makes_of_it(
    database: db.AsyncDatabase, document: Any, ascii_only: bool
) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only)
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    found = await _read(database, "document", text)
    assert repr(found) == repr(json.loads(text))
