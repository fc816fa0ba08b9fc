"""The floor of the benchmark suite does what it is measured at: every job, on every server."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import servers

from benchmarks.databases import Place
from benchmarks.suite import rows
from benchmarks.suite.contenders import FLOOR, US, of_database
from benchmarks.suite.floor import Floor
from benchmarks.suite.jobs import BY_NAME, JOBS
from benchmarks.suite.judging import verdicts
from benchmarks.suite.measuring import WrongAnswer
from benchmarks.suite.outcome import OURS, Measured, Outcome
from benchmarks.suite.run import scaled
from benchmarks.suite.stages import open_stage

STREAMED = 5_000
READERS = {
    "i": int,
    "f": float,
    "b": lambda text: text == "1",
    "t": str,
    "j": json.loads,
    "n": Decimal,
    "m": lambda text: datetime(1970, 1, 1) + timedelta(microseconds=int(text)),
    "d": lambda text: date(1970, 1, 1) + timedelta(days=int(text)),
}


class Stage:
    """A floor on tables of its own, and another way to look at what it wrote."""

    def __init__(self, floor: Floor, place: Place, server: servers.Server) -> None:
        self.floor, self.place, self.server = floor, place, server

    def shown(self, statement: str) -> tuple[Any, ...]:
        """The last row of a statement, as Python's values."""
        return tuple(READERS[found[0]](found[1:]) for found in self.floor.ask("show", statement))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if not self.place.path:
            return [tuple(row) for row in self.server.rows(sql)]
        with closing(sqlite3.connect(self.place.path)) as db:
            return db.execute(sql).fetchall()


@pytest.fixture(scope="module")
def stage(fresh_database: servers.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    backend, folder = fresh_database.backend, tmp_path_factory.mktemp("floor")
    opened = open_stage(backend, fresh_database.url, Path(folder), STREAMED)
    floor = Floor()
    try:
        place = opened.prepare("floor")
        # A sanitizer that is preloaded for the extension does not belong into a program that was built
        # without it: on their way out such programs wait for a lock of the C library for ever.
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("LD_PRELOAD", raising=False)
            asyncio.run(floor.open(place))
        yield Stage(floor, place, fresh_database)
    finally:
        asyncio.run(floor.close())
        opened.close()


@pytest.mark.parametrize("job", scaled(JOBS, STREAMED), ids=lambda job: job.name)
async def test_every_job(stage: Stage, job: Any) -> None:
    """It gives the right number of rows, and figures."""
    await stage.floor.attempt(job)
    assert await stage.floor.slice(job, 0.0) > 0
    calls = await stage.floor.calls(job, 2)
    assert len(calls) == 2
    assert min(calls) > 0


@pytest.mark.parametrize("name", ["get", "filter_800", "prefetch_two", "gather_10", "update_many"])
async def test_another_number_of_rows_fails(stage: Stage, name: str) -> None:
    job = BY_NAME[name]
    with pytest.raises(WrongAnswer, match=f"{name}: {job.rows} rows instead of {job.rows + 1}"):
        await stage.floor.attempt(replace(job, rows=job.rows + 1))


def test_values_are_decoded(stage: Stage) -> None:
    assert stage.shown("get") == rows.user(500)
    assert stage.shown("users_of_two_levels") == rows.user(100)
    assert stage.shown("wide") == rows.wide(7)
    assert stage.shown("documents") == rows.document(rows.DOCUMENTS)
    assert stage.shown("ledger") == rows.entry(rows.LEDGER)
    last = stage.shown("join_filter")
    assert last[:4] == rows.post(last[0])
    assert last[4:] == rows.user(last[1])
    users = [rows.user(number) for number in range(1, rows.USERS + 1)]
    ages = [user.age for user in users if user.active]
    scores = [user.score for user in users if user.active]
    found = stage.shown("aggregate")
    assert found[:2] == (len(ages), sum(ages))
    assert found[2:] == pytest.approx((sum(scores) / len(scores), min(scores), max(scores)))


DOCUMENTS = (
    '{"a": [1, -2, 3.5, 1e3, -0.25E-2, 1234567890123456789e12], "": {}}',
    '[true,false,null,[],[[]],{"b":{"c":[0]}}]',
    r'"\"\\\/ \b\f\n\r\t \u00e9 \u20ac \ud83d\ude00 blå €"',
    "12",
    "-0.5",
    '""',
)
NO_DOCUMENTS = (
    *(
        "",
        "nul",
        "truer",
        "01",
        "1.",
        ".5",
        "1e",
        "-",
        "+1",
        "0x10",
        "NaN",
        '"',
        '"a',
        r'"\x"',
        r'"\u12"',
        "[1 2]",
    ),
    *("[1,]", "[", "[1", "{1:2}", '{"a"}', '{"a":}', '{"a":1,}', "1 1", r'"\udc00"', r'"\ud800"', "[" * 200),
)


def told_document(stage: Stage, text: str) -> None:
    """A statement that gives it as a document."""
    sql = "SELECT $1::jsonb" if stage.server.backend == "postgres" else "SELECT ?"
    stage.floor.ask("statement", "told", "j", sql, "t" + text)


@pytest.fixture
def apart(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes floors for a few statements each, as one keeps all that it was told."""
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    opened: list[Floor] = []

    async def fresh() -> Stage:
        opened.append(Floor())
        await opened[-1].open(stage.place)
        return Stage(opened[-1], stage.place, stage.server)

    yield fresh
    for floor in opened:
        asyncio.run(floor.close())


async def test_documents_are_decoded(apart: Any) -> None:
    for text in DOCUMENTS:
        one = await apart()
        told_document(one, text)
        assert one.shown("told") == (json.loads(text),)


async def test_what_is_no_document_is_refused(stage: Stage, apart: Any) -> None:
    if stage.server.backend == "postgres":
        pytest.skip("the server refuses it")
    one = await apart()
    for number, text in enumerate(NO_DOCUMENTS):
        if number % 10 == 0:
            one = await apart()
        one.floor.ask("statement", f"told {number}", "j", "SELECT ?", "t" + text)
        with pytest.raises(RuntimeError, match="cannot decode"):
            one.shown(f"told {number}")


async def test_statements_whose_names_begin_alike_are_two(apart: Any) -> None:
    one = await apart()
    for number in (1, 2):
        one.floor.ask(
            "statement", "a name of more than thirty-one letters " + str(number), "i", f"SELECT {number}"
        )
    for number in (1, 2):
        (found,) = one.floor.ask("show", "a name of more than thirty-one letters " + str(number))
        assert found == f"i{number}"


async def test_everybodys_pragmas_are_told(stage: Stage, apart: Any) -> None:
    if stage.server.backend != "sqlite":
        pytest.skip("settings of SQLite")
    one = await apart()
    told = {"foreign_keys": "1", "synchronous": "1", "cache_size": "10000", "busy_timeout": "5000"}
    for name, value in told.items():
        one.floor.ask("statement", name, "i", f"PRAGMA {name}")
        assert one.floor.ask("show", name) == [f"i{value}"]


async def test_what_is_written_is_everybodys_rows(stage: Stage) -> None:
    table = stage.place.table
    for name in ("insert_one", "bulk_100"):
        before = stage.rows(f"SELECT MAX(id) FROM {table}")[0][0]
        await stage.floor.attempt(BY_NAME[name])
        columns = ", ".join(rows.User._fields[1:])
        found = stage.rows(f"SELECT {columns} FROM {table} WHERE id > {before} ORDER BY id")
        assert len(found) == BY_NAME[name].rows
        first = int(found[0][0].split()[1])
        assert found == [rows.user(first + place)[1:] for place in range(len(found))]


async def test_what_is_updated_is_updated(stage: Stage) -> None:
    table = stage.place.table
    seen = f"SELECT id, score FROM {table} WHERE id <= 101 OR id = 500 ORDER BY id"
    before = dict(stage.rows(seen))
    await stage.floor.attempt(BY_NAME["update_many"])
    await stage.floor.attempt(BY_NAME["update_one"])
    assert dict(stage.rows(seen)) == {
        key: score + (key <= 100 or key == 500) for key, score in before.items()
    }


async def test_what_is_inserted_and_deleted_is_gone(stage: Stage) -> None:
    counted = f"SELECT COUNT(*) FROM {stage.place.table}"
    before = stage.rows(counted)
    await stage.floor.attempt(BY_NAME["delete_one"])
    assert stage.rows(counted) == before


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (("attempt", "nothing"), "no job nothing"),
        (("show", "nothing"), "no statement nothing"),
        (("calls", "get", "-1"), "not a number"),
        (("slice", "get", "soon"), "not seconds"),
        (("slice", "get"), "too few fields"),
        (("job", "new", "sideways", "0", "get"), "no shape sideways"),
        (("job", "new", "prefetch", "0", "get"), "too few statements"),
        (("job", "new", "read", "0", *["get"] * 9), "too many statements"),
        (("statement", "new", "?", "SELECT 1"), "unknown kind of column"),
        (("statement", "new", "i", "SELECT 1", "x1"), "cannot take the value"),
        (("statement", "new", "i", "SELEC 1"), "SELEC"),
        (("open", *"abcdef"), "open already"),
        (("dance",), "unknown request"),
    ],
)
async def test_what_it_cannot_do_it_says(stage: Stage, fields: tuple[str, ...], why: str) -> None:
    """And goes on afterwards."""
    with pytest.raises(RuntimeError, match=why):
        stage.floor.ask(*fields)
    await stage.floor.attempt(BY_NAME["get"])


async def test_a_statement_that_fails_leaves_a_usable_connection(stage: Stage) -> None:
    """A key that is taken: nothing of the transaction stays."""
    table = stage.place.table
    stage.floor.ask(
        "statement",
        "taken",
        "",
        f"INSERT INTO {table} (id, name, email, age, score, active) "
        "VALUES (1, 'x', 'x', 1, 1.0, " + ("TRUE" if stage.server.backend == "postgres" else "1") + ")",
    )
    stage.floor.ask("job", "taken", "run", 0, "taken")
    before = stage.rows(f"SELECT COUNT(*) FROM {table}")
    with pytest.raises(RuntimeError, match="the floor, attempt taken"):
        stage.floor.ask("attempt", "taken")
    await stage.floor.attempt(BY_NAME["gather_10"])
    assert stage.rows(f"SELECT COUNT(*) FROM {table}") == before


FAILING = {
    "sqlite": "SELECT abs(-9223372036854775807 - 1)",
    "postgres": f"SELECT (SELECT id FROM {rows.USER})",
    "mysql": f"SELECT (SELECT id FROM {rows.USER})",
}


@pytest.mark.parametrize("shape", ["read", "gather", "rotate", "stream"])
async def test_a_read_that_fails_leaves_a_usable_connection(stage: Stage, shape: str) -> None:
    """Whatever else was under way: its answers do not turn up in the next call."""
    name = f"failing {shape}"
    stage.floor.ask("statement", name, "i", FAILING[stage.place.backend])
    stage.floor.ask("job", name, shape, 25, name, "get")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="the floor, attempt failing"):
            stage.floor.ask("attempt", name)
    for job in ("gather_100", "get", "filter_800", "prefetch_two"):
        await stage.floor.attempt(BY_NAME[job])


def test_its_target() -> None:
    """Half as fast as the floor is enough for a row, a quarter is not."""
    for seconds, met in ((0.5, True), (0.25, False)):
        row = {OURS: Measured([1.0]), "floor": Measured([seconds])}
        jobs = {"get": {"title": "get by key", "rows": 1, "writes": False}}
        kinds = {OURS: US, "floor": of_database("sqlite")["floor"].kind}
        (found,) = verdicts(Outcome("sqlite", "asyncio", {}, "", jobs, {"get": row}, kinds=kinds))
        assert found.target.kind == FLOOR
        assert (found.ratio, found.met) == (seconds, met)
