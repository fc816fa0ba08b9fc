"""Operations as SQL: the texts of three dialects side by side, and what they do on the servers."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import servers
from hypothesis import HealthCheck, Phase, given, settings
from schemas import Dict, any_snapshot, field, foreign_key, key, snapshot, table
from shown import run, shown

from oxyde.migrations.diff import compute_diff
from oxyde.migrations.errors import SchemaError
from oxyde.migrations.render import plan_steps, render_operations
from oxyde.migrations.state import SchemaState

CRATE = table("crate", field("kg", "double", default="0"), field("label", "string", type={"length": 40}))


def rendered(old: Dict, new: Dict, dialect: str, renames: tuple[str, ...] = ()) -> list[str]:
    return render_operations(compute_diff(old, new, renames=renames), dialect, state=old)


def changed(**changes: Any) -> Dict:
    label = {**CRATE["fields"][2], **changes}
    return snapshot({**CRATE, "fields": [*CRATE["fields"][:2], label]})


REBUILT = "crate__new"

# What changes, and the statements on PostgreSQL and MySQL; SQLite makes the table anew.
ALTERED: list[tuple[Dict, list[str], list[str]]] = [
    (
        {"column_type": {"kind": "string", "length": 60}},
        ['ALTER TABLE "crate" ALTER COLUMN "label" TYPE VARCHAR(60)'],
        ["ALTER TABLE `crate` MODIFY COLUMN `label` VARCHAR(60) NOT NULL"],
    ),
    (
        {"column_type": {"kind": "string", "length": 20}},
        ['ALTER TABLE "crate" ALTER COLUMN "label" TYPE VARCHAR(20) USING "label"::text::VARCHAR(20)'],
        ["ALTER TABLE `crate` MODIFY COLUMN `label` VARCHAR(20) NOT NULL"],
    ),
    (
        {"column_type": {"kind": "text"}},
        ['ALTER TABLE "crate" ALTER COLUMN "label" TYPE TEXT'],
        ["ALTER TABLE `crate` MODIFY COLUMN `label` TEXT NOT NULL"],
    ),
    (
        {"nullable": True, "default": "'none'"},
        [
            'ALTER TABLE "crate" ALTER COLUMN "label" DROP NOT NULL',
            """ALTER TABLE "crate" ALTER COLUMN "label" SET DEFAULT 'none'""",
        ],
        ["ALTER TABLE `crate` MODIFY COLUMN `label` VARCHAR(40) DEFAULT 'none'"],
    ),
    (
        {"unique": True},
        ['ALTER TABLE "crate" ADD CONSTRAINT "crate_label_key" UNIQUE ("label")'],
        ["ALTER TABLE `crate` ADD UNIQUE INDEX `crate_label_key` (`label`)"],
    ),
    (
        {"comment": "a word"},
        ["""COMMENT ON COLUMN "crate"."label" IS 'a word'"""],
        ["ALTER TABLE `crate` MODIFY COLUMN `label` VARCHAR(40) NOT NULL COMMENT 'a word'"],
    ),
    (
        {"column_type": {"kind": "big_integer"}, "default": "7"},
        [
            'ALTER TABLE "crate" ALTER COLUMN "label" TYPE BIGINT USING "label"::text::BIGINT',
            'ALTER TABLE "crate" ALTER COLUMN "label" SET DEFAULT 7',
        ],
        ["ALTER TABLE `crate` MODIFY COLUMN `label` BIGINT NOT NULL DEFAULT 7"],
    ),
]


@pytest.mark.parametrize(("changes", "postgres", "mysql"), ALTERED)
def test_a_column_is_altered(changes: Dict, postgres: list[str], mysql: list[str]) -> None:
    assert rendered(snapshot(CRATE), changed(**changes), "postgres") == postgres
    assert rendered(snapshot(CRATE), changed(**changes), "mysql") == mysql
    (step,) = plan_steps(compute_diff(snapshot(CRATE), changed(**changes)), "sqlite", snapshot(CRATE))
    assert step.rebuilds
    assert [sql.split(" (")[0] for sql in step.statements] == [
        f'CREATE TABLE "{REBUILT}"',
        f'INSERT INTO "{REBUILT}"',
        'DROP TABLE "crate"',
        f'ALTER TABLE "{REBUILT}" RENAME TO "crate"',
    ]


def test_times_change_their_zone_without_the_sessions_zone() -> None:
    old, new = (snapshot(table("t", field("at", kind))) for kind in ("date_time", "date_time_utc"))
    (sql,) = rendered(old, new, "postgres")
    assert sql.endswith("""TYPE TIMESTAMPTZ USING "at" AT TIME ZONE 'UTC'""")
    (sql,) = rendered(new, old, "postgres")
    assert sql.endswith("""TYPE TIMESTAMP USING "at" AT TIME ZONE 'UTC'""")


def test_a_backfill_is_a_default_for_a_moment() -> None:
    operations = [{"type": "add_column", "table": "crate", "field": field("n"), "backfill": "5"}]
    state = snapshot(CRATE)
    assert render_operations(operations, "postgres", state=state) == [
        'ALTER TABLE "crate" ADD COLUMN "n" BIGINT NOT NULL DEFAULT 5',
        'ALTER TABLE "crate" ALTER COLUMN "n" DROP DEFAULT',
    ]
    assert render_operations(operations, "mysql", state=state) == [
        "ALTER TABLE `crate` ADD COLUMN `n` BIGINT NOT NULL DEFAULT 5",
        "ALTER TABLE `crate` ALTER COLUMN `n` DROP DEFAULT",
    ]
    assert render_operations(operations, "sqlite", state=state)[1] == (
        f'INSERT INTO "{REBUILT}" ("id", "kg", "label", "n") SELECT "id", "kg", "label", 5 FROM "crate"'
    )


def test_using_and_backfill_of_alter_column() -> None:
    op = {"type": "alter_column", "table": "crate", "column": "kg"}
    using = [{**op, "changes": {"column_type": {"kind": "big_integer"}}, "using": "round(kg)"}]
    assert "USING round(kg)" in render_operations(using, "postgres", state=snapshot(CRATE))[1]
    sqlite = render_operations(using, "sqlite", state=snapshot(CRATE))
    assert 'SELECT "id", round(kg), "label"' in sqlite[1]
    nullable = snapshot(table("crate", field("kg", "double", nullable=True)))
    filled = [{**op, "changes": {"nullable": False}, "backfill": "0"}]
    assert render_operations(filled, "postgres", state=nullable) == [
        'UPDATE "crate" SET "kg" = 0 WHERE "kg" IS NULL',
        'ALTER TABLE "crate" ALTER COLUMN "kg" SET NOT NULL',
    ]
    assert 'COALESCE("kg", 0)' in render_operations(filled, "sqlite", state=nullable)[1]


def test_changes_of_one_table_share_a_rebuild_on_sqlite() -> None:
    new = snapshot(table("crate", field("weight", "big_integer"), field("more", nullable=True, unique=True)))
    operations = compute_diff(snapshot(CRATE), new, renames=["crate.kg:weight"])
    assert len(operations) == 4
    (step,) = plan_steps(operations, "sqlite", snapshot(CRATE))
    assert step.statements[1] == (f'INSERT INTO "{REBUILT}" ("id", "weight") SELECT "id", "kg" FROM "crate"')


def test_plain_columns_need_no_rebuild() -> None:
    new = snapshot(table("crate", field("kg", "double", default="0"), field("n", default="1")))
    assert rendered(snapshot(CRATE), new, "sqlite") == [
        'ALTER TABLE "crate" ADD COLUMN "n" INTEGER NOT NULL DEFAULT 1',
        'ALTER TABLE "crate" DROP COLUMN "label"',
    ]


@pytest.mark.parametrize(
    ("dialect", "statements"),
    [
        (
            "postgres",
            [
                'ALTER TABLE "berth" DROP CONSTRAINT "berth_pkey"',
                'ALTER TABLE "berth" ADD PRIMARY KEY ("a", "b")',
            ],
        ),
        (
            "mysql",
            [
                "ALTER TABLE `berth` MODIFY COLUMN `a` BIGINT NOT NULL",
                "ALTER TABLE `berth` DROP PRIMARY KEY, ADD PRIMARY KEY (`a`, `b`)",
            ],
        ),
    ],
)
def test_the_primary_key_changes(dialect: str, statements: list[str]) -> None:
    old, new = (snapshot({"name": "berth", "fields": [key("a"), b]}) for b in (field("b"), key("b")))
    assert rendered(old, new, dialect) == statements


def states(*values: str, **more: Any) -> Dict:
    return table("fruit", field("state", "enum", type={"name": "state_enum", "values": list(values)}, **more))


@pytest.mark.parametrize(
    ("new", "renames", "postgres", "mysql", "sqlite"),
    [
        (
            ["a", "x", "b"],
            (),
            ["""ALTER TYPE "state_enum" ADD VALUE IF NOT EXISTS 'x' BEFORE 'b'"""],
            ["ALTER TABLE `fruit` MODIFY COLUMN `state` ENUM('a','x','b') NOT NULL DEFAULT 'a'"],
            [],
        ),
        (
            ["a", "c"],
            ("state_enum.b:c",),
            ["""ALTER TYPE "state_enum" RENAME VALUE 'b' TO 'c'"""],
            [
                "ALTER TABLE `fruit` MODIFY COLUMN `state` ENUM('a','b','c') NOT NULL",
                "UPDATE `fruit` SET `state` = 'c' WHERE `state` = 'b'",
                "ALTER TABLE `fruit` MODIFY COLUMN `state` ENUM('a','c') NOT NULL DEFAULT 'a'",
            ],
            ["""UPDATE "fruit" SET "state" = 'c' WHERE "state" = 'b'"""],
        ),
        (
            ["a"],
            ("state_enum.b:a",),
            [
                'ALTER TYPE "state_enum" RENAME TO "state_enum__old"',
                """CREATE TYPE "state_enum" AS ENUM ('a')""",
                'ALTER TABLE "fruit" ALTER COLUMN "state" DROP DEFAULT',
                'ALTER TABLE "fruit" ALTER COLUMN "state" TYPE "state_enum" '
                """USING (CASE "state"::text WHEN 'b' THEN 'a' ELSE "state"::text END)::"state_enum\"""",
                """ALTER TABLE "fruit" ALTER COLUMN "state" SET DEFAULT 'a'""",
                'DROP TYPE "state_enum__old"',
            ],
            [
                "ALTER TABLE `fruit` MODIFY COLUMN `state` ENUM('a','b') NOT NULL",
                "UPDATE `fruit` SET `state` = 'a' WHERE `state` = 'b'",
                "ALTER TABLE `fruit` MODIFY COLUMN `state` ENUM('a') NOT NULL DEFAULT 'a'",
            ],
            ["""UPDATE "fruit" SET "state" = 'a' WHERE "state" = 'b'"""],
        ),
    ],
)
def test_values_of_an_enum_type(
    new: list[str], renames: tuple[str, ...], postgres: list[str], mysql: list[str], sqlite: list[str]
) -> None:
    old = snapshot(states("a", "b", default="'a'"))
    for dialect, expected in (("postgres", postgres), ("mysql", mysql), ("sqlite", sqlite)):
        assert rendered(old, snapshot(states(*new, default="'a'")), dialect, renames) == expected


def test_text_has_a_length_on_mysql_while_it_is_indexed() -> None:
    old = table("t", field("note", "text"))
    new = {**old, "indexes": [{"name": "t_note_idx", "fields": ["note"]}]}
    assert rendered(snapshot(old), snapshot(new), "mysql") == [
        "ALTER TABLE `t` MODIFY COLUMN `note` VARCHAR(255) NOT NULL",
        "CREATE INDEX `t_note_idx` ON `t` (`note`)",
    ]
    assert rendered(snapshot(new), snapshot(old), "mysql") == [
        "DROP INDEX `t_note_idx` ON `t`",
        "ALTER TABLE `t` MODIFY COLUMN `note` TEXT NOT NULL",
    ]


def test_what_a_dialect_lacks_is_a_schema_error() -> None:
    index = {
        "type": "create_index",
        "table": "crate",
        "index": {"name": "i", "fields": ["kg"], "where": "kg > 0"},
    }
    with pytest.raises(SchemaError, match="partial indexes"):
        render_operations([index], "mysql", state=snapshot(CRATE))
    with pytest.raises(SchemaError, match="unknown dialect 'oracle'"):
        render_operations([index], "oracle")
    with pytest.raises(SchemaError, match="no table 'nothing'"):
        render_operations([{**index, "table": "nothing"}], "postgres", state=snapshot(CRATE))


def test_mysql_drops_the_index_that_it_made_for_a_foreign_key() -> None:
    keys = [foreign_key("crate", "depot_id", "depot")]
    crate = table("crate", field("depot_id"), foreign_keys=keys)
    plain = table("crate", field("depot_id"))
    depot, index = table("depot"), {"name": "i", "fields": ["depot_id", "id"]}
    drop = "ALTER TABLE `crate` DROP FOREIGN KEY `fk_crate_depot_id`"
    own = "DROP INDEX `fk_crate_depot_id` ON `crate`"
    assert rendered(snapshot(depot, crate), snapshot(depot, plain), "mysql") == [drop, own]
    # Where another index serves the key, the server has made none.
    indexed = {**crate, "indexes": [index]}
    assert rendered(snapshot(depot, indexed), snapshot(depot, {**plain, "indexes": [index]}), "mysql") == [
        drop
    ]
    # That one can go only while the key is away; coming back, the key gets one of its own.
    assert rendered(snapshot(depot, indexed), snapshot(depot, crate), "mysql") == [
        drop,
        "DROP INDEX `i` ON `crate`",
        "ALTER TABLE `crate` ADD CONSTRAINT `fk_crate_depot_id` FOREIGN KEY (`depot_id`) "
        "REFERENCES `depot` (`id`) ON DELETE RESTRICT ON UPDATE CASCADE",
    ]


@pytest.mark.parametrize(
    ("dialect", "statements"),
    [
        ("postgres", ['ALTER INDEX "a" RENAME TO "b"']),
        ("mysql", ["ALTER TABLE `crate` RENAME INDEX `a` TO `b`"]),
        ("sqlite", ['DROP INDEX "a"', 'CREATE INDEX "b" ON "crate" ("kg")']),
    ],
)
def test_an_index_is_renamed(dialect: str, statements: list[str]) -> None:
    op = {"type": "rename_index", "table": "crate", "old_name": "a", "new_name": "b"}
    state = snapshot({**CRATE, "indexes": [{"name": "a", "fields": ["kg"]}]})
    assert render_operations([op], dialect, state=state) == statements


def test_indexes_are_made_and_dropped_beside_the_work() -> None:
    beside: Dict = {"table": "crate", "concurrently": True}
    index = {"type": "create_index", "index": {"name": "i", "fields": ["kg"]}, **beside}
    drop = {"type": "drop_index", "name": "i", **beside}
    assert render_operations([index, drop], "postgres", state=snapshot(CRATE)) == [
        'CREATE INDEX CONCURRENTLY "i" ON "crate" ("kg")',
        'DROP INDEX CONCURRENTLY "i"',
    ]
    assert render_operations([index, drop], "mysql", state=snapshot(CRATE)) == [
        "CREATE INDEX `i` ON `crate` (`kg`)",
        "DROP INDEX `i` ON `crate`",
    ]


# --- on the servers ---------------------------------------------------------------------------------


def possible(shape: Dict, *, unique: bool = True) -> Dict:
    """The same schema without what no server takes: keys over columns that are no numbers."""
    for each in shape["tables"].values():
        numbers = {f["name"] for f in each["fields"] if f["column_type"]["kind"] == "big_integer"}
        each["foreign_keys"] = [fk for fk in each["foreign_keys"] if set(fk["columns"]) <= numbers]
        indexable = {f["name"] for f in each["fields"] if f["column_type"]["kind"] != "json"}
        each["indexes"] = [index for index in each["indexes"] if set(index["fields"]) <= indexable]
        for f in each["fields"]:
            fits = f["name"] in indexable and not f.get("primary_key")
            f["unique"] = unique and fits and f.get("unique", False)
    return SchemaState.from_snapshot(shape).to_snapshot()


def made(database: servers.Server, *batches: list[str]) -> list[Any]:
    """What an empty database shows after these statements."""
    servers.drop_everything(database)
    with contextlib.closing(servers.Admin(database)) as admin:
        for statements in batches:
            run(admin, statements)
        return shown(admin)


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(any_snapshot(), any_snapshot())
def test_a_migrated_database_is_as_one_made_anew(
    fresh_database: servers.Server, old: Dict, new: Dict
) -> None:
    backend = fresh_database.backend
    # On MySQL UNIQUE of a column is an index whose name only the server knows.
    old, new = (possible(shape, unique=backend != "mysql") for shape in (old, new))
    first, then = rendered({}, old, backend), rendered(old, new, backend)
    migrated, anew = made(fresh_database, first, then), made(fresh_database, rendered({}, new, backend))
    assert [x for x in migrated if x not in anew] == [x for x in anew if x not in migrated]


def test_rows_stay_when_sqlite_makes_a_table_anew(tmp_path: Any) -> None:
    import sqlite3

    keys = [foreign_key("crate", "depot_id", "depot", on_delete="CASCADE")]
    more = [field("weight", "text"), field("n", unique=True, nullable=True)]
    old = snapshot(
        table("depot"), table("crate", field("depot_id"), field("kg", "double"), foreign_keys=keys)
    )
    new = snapshot(
        table("depot", checks=[{"name": "chk_depot_0", "expression": "id > 0"}]),
        table("crate", field("depot_id"), *more, foreign_keys=keys),
    )
    with contextlib.closing(sqlite3.connect(tmp_path / "data.db", isolation_level=None)) as raw:
        for sql in render_operations(compute_diff({}, old), "sqlite"):
            raw.execute(sql)
        raw.execute("INSERT INTO depot (id) VALUES (1), (2)")
        raw.execute("INSERT INTO crate (id, depot_id, kg) VALUES (1, 1, 2.5), (2, 2, 3)")
        raw.execute("PRAGMA legacy_alter_table = ON")
        for sql in rendered(old, new, "sqlite", ("crate.kg:weight",)):
            raw.execute(sql)
        assert raw.execute("SELECT id, depot_id, weight, n FROM crate ORDER BY id").fetchall() == [
            (1, 1, "2.5", None),
            (2, 2, "3.0", None),
        ]
        raw.execute("PRAGMA foreign_keys = ON")
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        raw.execute("DELETE FROM depot WHERE id = 1")
        assert raw.execute("SELECT id FROM crate").fetchall() == [(2,)]
