"""The DDL of every dialect makes on its servers what it says: every kind of column, default, key,
index, check, enum and comment of `print_ddl`'s zoo."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import programs
import pytest
import servers

QUOTES = 'it\'s \\ "q"'
UTC = datetime.timezone.utc
# What a row of defaults holds, as the drivers of others read it: one form, or PostgreSQL's and MySQL's.
DEFAULTS: dict[str, Any] = {
    "d_boolean": (True, 1),
    "d_integer": -(2**63),
    "d_double": -0.1,
    "d_huge": 1.7976931348623157e308,
    "d_string": QUOTES + " \n %s ?",
    "d_text": "a\\nb'c",
    "d_blob": b"\x01\x00\xff'\\",
    "d_moment": datetime.datetime(1970, 1, 2, 0, 0, 0, 1),
    "d_utc": (datetime.datetime(1970, 1, 2, tzinfo=UTC), datetime.datetime(1970, 1, 2)),
    "d_date": datetime.date(2024, 2, 29),
    "d_time": (
        datetime.time(23, 59, 59, 999999),
        datetime.timedelta(hours=23, minutes=59, seconds=59, microseconds=999999),
    ),
    "d_span": -5,
    "d_interval": (datetime.timedelta(microseconds=-5), -5),
    "d_uuid": "abcd0000-0000-0000-0000-000000000000",
    "d_decimal": Decimal("-12.50"),
    "d_money": Decimal(100),
    "d_whole": Decimal(7),
    "d_scaled": Decimal(7),
    "d_mood": QUOTES,
    "d_inet": "192.0.2.1/24",
    "d_cidr": "2001:db8::/32",
    "d_json": {"a": [1, None, "it's \\ q"]},
    "d_jsonb": [],
    "d_texts": ["it's", "a\\b", "c,d", None, "NULL", ""],
    "d_numbers": [1, -2],
    "d_grid": [[1, 2], [3, 4]],
    "d_moments": ([datetime.datetime(1970, 1, 2, tzinfo=UTC)], ["1970-01-02T00:00:00Z"]),
    "d_decimals": ([Decimal("1.50")], ["1.50"]),
    "d_blobs": ([b"\x01\x00\xff"], ["AQD/"]),
    "d_uuids": ["abcd0000-0000-0000-0000-000000000000"],
    "d_moods": (["a"], ["a"]),
    "d_unknown": "x",
}


@pytest.fixture(params=[name for name in servers.chosen() if name != "sqlite"])
def database(request: pytest.FixtureRequest) -> Iterator[servers.Server]:
    with servers.fresh_database(request.param) as made:
        yield made


def run(database: servers.Server, what: str) -> None:
    with database.admin() as admin:
        if database.backend == "mysql":
            admin.rows(
                "SET foreign_key_checks = 0" if what.startswith("drop") else "SET foreign_key_checks = 1"
            )
        for statement in programs.ddl(database.name, what, "zoo"):
            try:
                admin.rows(statement)
            except Exception as error:
                pytest.fail(f"{error}\n{statement}", pytrace=False)


LISTS = {name for name, value in DEFAULTS.items() if isinstance(value, list | dict)} | {
    "d_moments",
    "d_decimals",
    "d_blobs",
    "d_moods",
}


def plain(value: Any, name: str, mysql: bool) -> Any:
    """JSON read; what the drivers have own types for as text."""
    if isinstance(value, list):
        return [plain(item, "", mysql) for item in value]
    if name == "d_moods" and not mysql:
        return value.strip("{}").split(",")
    if mysql and name in LISTS:
        return json.loads(value)
    return str(value) if type(value).__module__ in ("uuid", "ipaddress") else value


def tables_of(database: servers.Server) -> set[str]:
    schema = "current_schema()" if database.backend == "postgres" else "database()"
    return {
        row[0]
        for row in database.rows(
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = {schema}"
        )
    }


ZOO = {"kinds", "nullable", "verbatim", "child", "parent", "serials"}


def test_what_is_made_can_be_made_again_and_dropped_twice(database: servers.Server) -> None:
    run(database, "create-again")
    assert tables_of(database) == ZOO
    run(database, "create-again")
    run(database, "drop")
    assert tables_of(database) == set()
    run(database, "drop-again")
    run(database, "create")
    assert tables_of(database) == ZOO
    run(database, "drop-again")


def test_defaults_are_stored_as_they_were_in_python(database: servers.Server) -> None:
    run(database, "create")
    mysql = database.backend == "mysql"
    with database.admin() as admin:
        if mysql:
            admin.rows("INSERT INTO kinds () VALUES ()")
        else:
            admin.rows("INSERT INTO kinds DEFAULT VALUES")
        names = ", ".join(DEFAULTS)
        (row,) = admin.rows(f"SELECT {names} FROM kinds")
    wrong = {}
    for (name, expected), value in zip(DEFAULTS.items(), row, strict=True):
        found = plain(value, name, mysql)
        wanted = expected[mysql] if isinstance(expected, tuple) else expected
        if found != wanted:
            wrong[name] = (found, wanted)
    assert not wrong


def test_the_users_own_sql_stands(database: servers.Server) -> None:
    run(database, "create")
    with database.admin() as admin:
        key = "`key`" if database.backend == "mysql" else '"key"'
        admin.rows(f"INSERT INTO verbatim ({key}) VALUES ('a')")
        ((now, utc, plain_now, number, text, document, nothing, false),) = admin.rows(
            "SELECT v_now, v_utc, v_plain, v_number, v_text, v_json, v_null, v_false FROM verbatim"
        )
    assert now and utc and plain_now
    assert (number, text, nothing, bool(false)) == (2, "a", None, False)
    assert document in ({}, "{}")


def test_rules_are_enforced(database: servers.Server) -> None:
    run(database, "create")
    with database.admin() as admin:
        insert = "INSERT INTO child (plate, gone, weight, self_id, mood) VALUES "
        admin.rows(insert + "('A', FALSE, 1.5, NULL, 'a')")
        refused = [
            "('A', TRUE, 2, NULL, NULL)",  # the plate is there
            "('B', TRUE, 1.5, NULL, NULL)",  # so is the weight
            "('B', TRUE, -1, NULL, NULL)",  # chk_child_0
            "('', TRUE, 2, NULL, NULL)",  # chk_child_1
            "('B', TRUE, 2, 99, NULL)",  # fk_child_self_id
            "('B', TRUE, 2, NULL, 'nowhere')",  # no such label
            "('B', NULL, 2, NULL, NULL)",
        ]
        for values in refused:
            with pytest.raises(Exception, match=r"(?i)duplicate|violates|constraint|invalid|truncated|null"):
                admin.rows(insert + values)
        ((key,),) = admin.rows("SELECT id FROM child")
        row = "`row`" if database.backend == "mysql" else '"row"'
        admin.rows(f"INSERT INTO parent ({row}, place, child_id) VALUES (1, 'x', {key})")
        admin.rows("UPDATE child SET parent_row = 1, parent_place = 'x'")
        with pytest.raises(Exception, match=r"(?i)foreign key"):
            admin.rows("DELETE FROM parent")
        admin.rows("UPDATE child SET parent_row = NULL")
        admin.rows("DELETE FROM child")
        assert admin.rows(f"SELECT {row}, place, child_id FROM parent") == [(1, "x", None)]


def test_comments_are_what_was_written(database: servers.Server) -> None:
    run(database, "create")
    if database.backend == "mysql":
        comments = dict(
            database.rows(
                "SELECT CONCAT(table_name, '.', column_name), column_comment FROM information_schema.columns "
                "WHERE table_schema = database() AND column_comment <> '' UNION "
                "SELECT table_name, table_comment FROM information_schema.tables "
                "WHERE table_schema = database() AND table_comment <> ''"
            )
        )
    else:
        comments = dict(
            database.rows(
                "SELECT c.relname || COALESCE('.' || a.attname, ''), d.description FROM pg_description d "
                "JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass "
                "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0 "
                "WHERE c.relnamespace = current_schema()::regnamespace"
            )
        )
    assert comments == {
        "kinds": QUOTES,
        "nullable.id": "the key",
        "nullable.n_boolean": QUOTES,
        "nullable.n_text": "a text",
        "nullable.n_json": "a document",
        "child": "children",
        'child.or"der`x': "q",
    }


def test_indexes_have_their_names_and_columns(database: servers.Server) -> None:
    run(database, "create")
    if database.backend == "mysql":
        found = database.rows(
            "SELECT index_name, GROUP_CONCAT(column_name ORDER BY seq_in_index) "
            "FROM information_schema.statistics "
            "WHERE table_schema = database() AND table_name = 'child' GROUP BY index_name"
        )
    else:
        found = database.rows(
            "SELECT i.relname, (SELECT STRING_AGG(a.attname, ',' ORDER BY k.n) FROM "
            "UNNEST(x.indkey) WITH ORDINALITY AS k(attnum, n) JOIN pg_attribute a "
            "ON a.attrelid = x.indrelid AND a.attnum = k.attnum) FROM pg_index x "
            "JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = 'child'::regclass"
        )
    indexes = dict(found)
    expected = {
        "child_plate_gone_idx": "plate,gone",
        "child_note_idx": "note",
        "child_mood_idx": "mood",
        "child_self_key": "self_id,plate",
        'child_or"d`er_idx': 'or"der`x',
        "child_plate_parent_row_key": "plate,parent_row",
    }
    assert {name: columns for name, columns in indexes.items() if name in expected} == expected
