"""The golden SQL of every dialect runs on the servers it was written for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import on_mysql
import on_postgres
import programs
import pytest
import servers
from comparing import comparable

# The schema that a golden table lives in; a database of its own on MySQL.
SCHEMA = "stock"

ROWS = [
    "INSERT INTO regions (code) VALUES ('north'), ('south'), ('east')",
    "INSERT INTO depots (label, region_id) VALUES ('Main', NULL), ('Second', 1), ('main 2', 2)",
    "INSERT INTO links (parcel_id, label_id, since) VALUES (1, 1, '2024-02-29'), (1, 2, NULL), "
    "(3, 3, '2023-12-31')",
]
# What the cases insert, removed in front of those that write.
INSERTED = "DELETE FROM parcels WHERE ref IN ('a', 'b')"
PARCELS = (
    "INSERT INTO parcels (ref, weight, price, sent, seen, due, at, remark, extra, plain, marks, grid, grade, "
    "grades, level, ok, ratio, span, token, body, depot_id) VALUES "
    "('a', 5, 12.50, '2024-02-29 23:59:59.5', '2024-02-29 23:59:59', '2024-02-29', '12:30:00', "
    "'x%y', "
    '\'{{"key": {{"deep": [1, "two", null]}}, "n": 1.5, "flag": true, "0": "zero"}}\', \'[1, '
    '{{"a": "b"}}]\', '
    "{marks}, {grid}, 'a', {grades}, 'b', {true}, 0.25, 1000000, '12345678-1234-1234-1234-123456789abc', "
    "{body}, 1), "
    "('B_b', 7, NULL, NULL, '1969-12-31 23:59:59', NULL, NULL, NULL, '[1, 2, 3]', NULL, {none}, NULL, "
    "'b', NULL, NULL, {false}, NULL, NULL, NULL, NULL, NULL), "
    "('ab%', 150, 0.01, '2023-01-01', NULL, '2022-12-31', '00:00:00', 'Ab%', '{{}}', 'null', "
    "{none}, NULL, 'c', "
    "NULL, 'a', {true}, -1.5, -1, NULL, NULL, 2), "
    "('b', 0, -2.50, '2021-01-03 00:00:00', '2021-01-03', '2021-01-03', '23:59:59.999999', 'AB', "
    '\'{{"key": "text", "a": {{"b": 2, "key": [5, 6]}}, "n": "5"}}\', \'"a"\', {none}, {grid}, \'a\', '
    "{grades}, 'a', {false}, 2.5, 0, NULL, {body}, 3), "
    "('abc', 3, 7, '2024-12-30 12:00:00', '2024-12-30 12:00:00', '2024-12-30', '06:00:00', 'b', "
    "'[]', 'true', {marks}, NULL, 'x', NULL, 'x', {true}, 1e10, 3, NULL, NULL, 1)"
)


def parcels(backend: str) -> str:
    if backend == "postgres":
        return PARCELS.format(
            marks="'{a,\"b c\"}'",
            grid="'{{1,2},{3,4}}'",
            grades="'{a,b}'",
            none="'{}'",
            true="TRUE",
            false="FALSE",
            body="'\\x0001ff'",
        )
    return PARCELS.format(
        marks='\'["a", "b c"]\'',
        grid="'[[1, 2], [3, 4]]'",
        grades='\'["a", "b"]\'',
        none="'[]'",
        true="1",
        false="0",
        body="X'0001ff'",
    )


@dataclass
class Yard:
    """The golden tables on one server."""

    dialect: str
    session: Any
    schema: str

    def sql(self, case: programs.Case) -> str:
        return case.sql.replace(f"`{SCHEMA}`", f"`{self.schema}`")

    def run(self, case: programs.Case) -> list[tuple[Any, ...]]:
        before = INSERTED if case.writes else ""
        rows: list[tuple[Any, ...]] = self.session.run(self.sql(case), case.kinds, case.values, before)
        return rows

    def prepare(self, case: programs.Case) -> None:
        self.session.prepare(self.sql(case), case.kinds)


@pytest.fixture(scope="module", params=[name for name in servers.chosen() if name != "sqlite"])
def yard(request: pytest.FixtureRequest) -> Iterator[Yard]:
    """A session on a database that has the golden tables."""
    name = request.param
    dialect = "pg" if name == "postgres" else name
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(servers.fresh_database(name))
        other = SCHEMA
        admin = stack.enter_context(database.admin())
        if name == "postgres":
            admin.rows(f"CREATE SCHEMA {SCHEMA}")
        else:
            other = stack.enter_context(servers.fresh_database(name)).database
        for sql in programs.ddl("postgres" if name == "postgres" else name, "create", "golden"):
            admin.rows(sql.replace(f"`{SCHEMA}`", f"`{other}`"))
        for sql in (*ROWS, parcels(database.backend)):
            admin.rows(sql)
        session: Any = (on_postgres if name == "postgres" else on_mysql).Session(database)
        stack.callback(session.close)
        yield Yard(dialect, session, other)


# Values and rows of these cases are no numbers, dates or documents; the statement is what counts.
PREPARED_ONLY = {
    "uuid_and_bytes",
    "cast_to_numbers",
    "cast_to_moments",
    "cast_to_the_rest",
    "cast_of_a_decimal_to_a_truth_value",
}
# What the server refuses whoever writes it.
REFUSED = {("pg", "lock_of_named_tables"): "cannot be applied to the nullable side of an outer join"}
# Where the databases differ by nature: the place of NULL, collations, aggregates without an order, chance.
DIFFERENT = {
    "array_agg",
    "array_agg_of_floats",
    "decimals_combined",
    "distinct_on_follows_the_order",
    "distinct_on_with_another_order_numbers_rows",
    "group_by_a_part",
    "now_alone",
    "operands_keep_their_order_and_limit",
    "random",
    "random_is_a_fraction",
    "string_agg",
    "union_all_ordered_and_limited_as_a_whole",
}

CASES = {(dialect, case.name): case for dialect in programs.DIALECTS for case in programs.golden(dialect)}
NAMES = sorted({name for _, name in CASES})
# What the first server said, for the others to agree with.
answers: dict[str, tuple[str, list[tuple[Any, ...]]]] = {}


@pytest.mark.parametrize("name", NAMES)
def test_the_servers_run_it_and_agree(yard: Yard, name: str) -> None:
    case = CASES.get((yard.dialect, name))
    if case is None:
        return  # a NotSupportedError there, which test_sql_golden tests
    if name in PREPARED_ONLY:
        yard.prepare(case)
        return
    refusal = REFUSED.get((yard.dialect, name))
    if refusal is not None:
        with pytest.raises(RuntimeError, match=refusal):
            yard.run(case)
        return
    rows = comparable(yard.run(case), case)
    if name in DIFFERENT or not case.cols or (case.writes and not rows):
        return
    first, expected = answers.setdefault(name, (yard.dialect, rows))
    assert rows == expected, f"unlike {first}: {case.sql}"
