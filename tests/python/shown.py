"""What a database says of its tables, asked through somebody else's driver, for comparing two."""

from __future__ import annotations

from typing import Any

import servers

__all__ = ["run", "shown"]

_SHOWN = {
    "postgres": """
        SELECT table_name, column_name, is_nullable, data_type, character_maximum_length, numeric_precision,
            numeric_scale, udt_name, column_default
        FROM information_schema.columns WHERE table_schema = 'public';
        SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public';
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n';
        SELECT t.typname, e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid;
        SELECT objoid::regclass::text, description FROM pg_description
        WHERE classoid = 'pg_class'::regclass
            AND objoid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    """,
    "mysql": """
        SELECT table_name, column_name, column_type, is_nullable, column_default, extra, column_comment
        FROM information_schema.columns WHERE table_schema = database();
        SELECT table_name, index_name, non_unique, seq_in_index, column_name
        FROM information_schema.statistics WHERE table_schema = database();
        SELECT constraint_name, table_name, referenced_table_name, delete_rule, update_rule
        FROM information_schema.referential_constraints WHERE constraint_schema = database();
        SELECT table_name, table_comment FROM information_schema.tables WHERE table_schema = database()
    """,
}


def shown(admin: servers.Admin) -> list[Any]:
    """What the server says of its tables, in no order."""
    if admin.server.backend != "sqlite":
        return sorted(str(row) for sql in _SHOWN[admin.server.backend].split(";") for row in admin.rows(sql))
    found = []
    for (name,) in admin.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"):
        columns = sorted(row[1:] for row in admin.rows(f'PRAGMA table_info("{name}")'))
        keys = sorted(row[2:] for row in admin.rows(f'PRAGMA foreign_key_list("{name}")'))
        found.append((name, columns, keys))
    indexes = admin.rows("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOT NULL")
    return [*found, sorted(indexes)]


def run(admin: servers.Admin, statements: list[str]) -> None:
    for sql in statements:
        try:
            admin.rows(sql.replace("%", "%%") if admin.server.backend != "sqlite" else sql)
        except Exception as error:
            raise AssertionError(f"{sql}\n{error}") from error
