"""An SQLite database, read from its pragmas and the stored definitions."""

from __future__ import annotations

from collections.abc import Collection

from ._kinds import sqlite_type
from ._reading import HISTORY, Dict, Reading, Session, set_keys
from ._stored import Stored, index_where, parse_create_table

__all__ = ["read_sqlite"]


async def read_sqlite(session: Session, only: Collection[str] | None, schema: str | None) -> Reading:
    """The tables of the database, or of one attached under the name `schema`."""
    found = _SQLite(session, schema)
    await found.read(only)
    return found.reading


class _SQLite:
    """One database on its way from pragmas to dicts."""

    def __init__(self, session: Session, schema: str | None) -> None:
        self.session, self.shown = session, schema
        self.reading = Reading("sqlite", "sqlite")
        self.where = _quote(schema or "main")
        self.indexes: dict[str, str] = {}

    async def read(self, only: Collection[str] | None) -> None:
        rows = await self.session._fetch(
            f"SELECT type, name, tbl_name, sql FROM {self.where}.sqlite_master ORDER BY name", None
        )
        self.indexes = {row["name"]: row["sql"] or "" for row in rows if row["type"] == "index"}
        virtual = [row["name"] for row in rows if (row["sql"] or "").upper().startswith("CREATE VIRTUAL")]
        for row in rows:
            name = row["name"]
            key = self._key(name)
            left_out = name not in only if only is not None else name == HISTORY
            if row["type"] not in ("table", "view") or left_out or name.startswith("sqlite_"):
                continue
            if row["type"] == "view":
                self.reading.note(key, "a view")
            elif name in virtual:
                self.reading.note(key, "a virtual table")
            elif not any(name.startswith(f"{owner}_") for owner in virtual):
                await self._table(name, row["sql"] or "")
        for row in rows:
            if row["type"] == "trigger" and self._key(row["tbl_name"]) in self.reading.tables:
                self.reading.note(self._key(row["tbl_name"]), f"trigger {row['name']}")

    def _key(self, name: str) -> str:
        return f"{self.shown}.{name}" if self.shown else name

    async def _pragma(self, pragma: str, name: str) -> list[Dict]:
        return await self.session._fetch(f"PRAGMA {self.where}.{pragma}({_quote(name)})", None)

    async def _table(self, name: str, sql: str) -> None:
        stored = parse_create_table(sql)
        table: Dict = {
            "name": name,
            "fields": [],
            "indexes": [],
            "foreign_keys": [],
            "checks": [],
            "comment": None,
            "schema": self.shown,
        }
        self.reading.tables[self._key(name)] = table
        keys: dict[int, str] = {}
        for row in await self._pragma("table_xinfo", name):
            self._column(table, row, stored)
            if row["pk"]:
                keys[row["pk"]] = row["name"]
        for at, (constraint, expression) in enumerate(stored.checks):
            table["checks"].append({"name": constraint or f"chk_{name}_{at}", "expression": expression})
        for row in await self._pragma("index_list", name):
            await self._index(table, row, stored)
        set_keys(table, [keys[at] for at in sorted(keys)])
        if len(keys) == 1:
            (key,) = (field for field in table["fields"] if field["primary_key"])
            if self.reading.types[self._key(name), key["name"]].upper() == "INTEGER":
                key["auto_increment"] = True
        await self._foreign_keys(table, stored)
        for option in ("STRICT", "WITHOUT"):
            if option in stored.options:
                self.reading.note(
                    self._key(name), "the table is " + ("STRICT" if option == "STRICT" else "WITHOUT ROWID")
                )

    def _column(self, table: Dict, row: Dict, stored: Stored) -> None:
        key, name = self._key(table["name"]), row["name"]
        if row["hidden"] == 1:
            return
        declared = " ".join((row["type"] or "").split())
        declared = declared.removesuffix("GENERATED ALWAYS").strip()
        column_type, db_type = sqlite_type(declared)
        if name in stored.generated:
            declared = db_type = f"{declared} {stored.generated[name]}".strip()
            self.reading.note(key, f"column {name} is generated: it cannot be written")
        if not declared:
            self.reading.note(key, f"column {name} has no type")
        if name in stored.collations:
            self.reading.note(key, f"column {name} has the collation {stored.collations[name]}")
        made: Dict = {
            "name": name,
            "column_type": column_type,
            "nullable": not row["notnull"],
            "primary_key": False,
            "unique": False,
        }
        value = row["dflt_value"]
        more = {"db_type": db_type, "default": None if str(value).upper() == "NULL" else value}
        made.update({key: given for key, given in more.items() if given is not None})
        self.reading.types[key, name] = declared
        table["fields"].append(made)

    async def _index(self, table: Dict, row: Dict, stored: Stored) -> None:
        if row["origin"] == "pk":
            return
        name = row["name"]
        parts = [part for part in await self._pragma("index_xinfo", name) if part["key"]]
        columns = [part["name"] for part in parts]
        sql = self.indexes.get(name, "")
        if row["origin"] == "u":
            self._unique(table, columns, stored)
            return
        if None in columns or any(part["desc"] for part in parts):
            self.reading.note(self._key(table["name"]), f"index {name}: {' '.join(sql.split())}")
            return
        index: Dict = {"name": name, "fields": columns, "unique": bool(row["unique"])}
        where = index_where(sql) if row["partial"] else None
        if where:
            index["where"] = where
        if row["unique"] and not where and name == f"{table['name']}_{'_'.join(columns)}_key":
            # How our own DDL writes unique_together, so that it can be dropped.
            index["constraint"] = True
        table["indexes"].append(index)

    @staticmethod
    def _unique(table: Dict, columns: list[str], stored: Stored) -> None:
        if len(columns) == 1:
            (field,) = (each for each in table["fields"] if each["name"] == columns[0])
            field["unique"] = True
            return
        name = next((name for name, named in stored.uniques if named == columns and name), None)
        made = name or f"{table['name']}_{'_'.join(columns)}_key"
        table["indexes"].append({"name": made, "fields": columns, "unique": True, "constraint": True})

    async def _foreign_keys(self, table: Dict, stored: Stored) -> None:
        names: dict[tuple[str, ...], list[str | None]] = {}
        for name, columns in stored.foreign_keys:
            names.setdefault(tuple(column.lower() for column in columns), []).append(name)
        made: dict[int, Dict] = {}
        for row in sorted(
            await self._pragma("foreign_key_list", table["name"]), key=lambda row: (-row["id"], row["seq"])
        ):
            fresh = {
                "name": "",
                "columns": [],
                "ref_table": self._key(row["table"]),
                "ref_columns": [],
                "on_delete": row["on_delete"],
                "on_update": row["on_update"],
            }
            fk = made.setdefault(row["id"], fresh)
            fk["columns"].append(row["from"])
            fk["ref_columns"].append(row["to"])
        for fk in made.values():
            known = names.get(tuple(column.lower() for column in fk["columns"]), [])
            name = known.pop(0) if known else None
            fk["name"] = name or f"fk_{table['name']}_{'_'.join(fk['columns'])}"
            if None in fk["ref_columns"]:
                fk["ref_columns"] = await self._key_of(fk["ref_table"].rpartition(".")[2])
            table["foreign_keys"].append(fk)

    async def _key_of(self, name: str) -> list[str]:
        """The key of another table: what REFERENCES means without columns."""
        rows = [row for row in await self._pragma("table_info", name) if row["pk"]]
        return [row["name"] for row in sorted(rows, key=lambda row: row["pk"])]


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
