"""A MySQL or MariaDB database, read from `information_schema` and `SHOW CREATE TABLE`.

Checks come from `SHOW CREATE TABLE`, where both servers print them unescaped, one a line.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ._kinds import mysql_type
from ._reading import HISTORY, Dict, Reading, Session, set_keys
from ._text import tokens, without_parens

__all__ = ["printed_checks", "printed_default", "printed_type", "read_mysql"]

_TABLES = """
SELECT table_name AS name, table_type AS type, table_comment AS comment,
    table_collation AS collation
FROM information_schema.tables WHERE table_schema = ? ORDER BY table_name
"""
_COLUMNS = """
SELECT table_name AS owner, column_name AS name, column_type AS type, is_nullable AS nullable,
    column_default AS value, extra AS extra, column_comment AS comment, generation_expression AS expression,
    collation_name AS collation
FROM information_schema.columns WHERE table_schema = ? ORDER BY table_name, ordinal_position
"""
_INDEXES = """
SELECT table_name AS owner, index_name AS name, non_unique AS non_unique, column_name AS column_name,
    sub_part AS sub_part, index_type AS type, collation AS direction
FROM information_schema.statistics WHERE table_schema = ? ORDER BY table_name, index_name, seq_in_index
"""
_FOREIGN_KEYS = """
SELECT k.table_name AS owner, k.constraint_name AS name, k.column_name AS column_name,
    k.referenced_table_schema AS target_schema, k.referenced_table_name AS target,
    k.referenced_column_name AS target_column, r.delete_rule AS on_delete, r.update_rule AS on_update
FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r
    ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name
    AND r.table_name = k.table_name
WHERE k.table_schema = ? AND k.referenced_table_name IS NOT NULL
ORDER BY k.table_name, k.constraint_name, k.ordinal_position
"""
_TRIGGERS = """
SELECT event_object_table AS owner, trigger_name AS name FROM information_schema.triggers
WHERE trigger_schema = ? ORDER BY trigger_name
"""


async def read_mysql(
    session: Session, only: Collection[str] | None, schema: str | None, flavor: str
) -> Reading:
    """The tables of a database; of the connection's own, without its name, if none is given."""
    (here,) = await session._fetch("SELECT DATABASE() AS name", None)
    found = _MySQL(_text(schema or here["name"]), schema, flavor)
    await found.read(session, only)
    return found.reading


class _MySQL:
    """One database on its way from catalog rows to dicts."""

    def __init__(self, schema: str, shown: str | None, flavor: str) -> None:
        self.schema, self.shown = schema, shown
        self.reading = Reading("mysql", flavor)
        self.collations: dict[str, str | None] = {}

    async def read(self, session: Session, only: Collection[str] | None) -> None:
        for row in await session._fetch(_TABLES, [self.schema]):
            self._table(row, only)
        printed = {name: await self._printed(session, name) for name in self._names()}
        for row in await session._fetch(_COLUMNS, [self.schema]):
            if self._key(row["owner"]) in self.reading.tables:
                self._column(self.reading.tables[self._key(row["owner"])], row, printed[row["owner"]])
        for name, sql in printed.items():
            self._checks(self.reading.tables[self._key(name)], sql)
        self._foreign_keys(await session._fetch(_FOREIGN_KEYS, [self.schema]))
        self._indexes(await session._fetch(_INDEXES, [self.schema]))
        for row in await session._fetch(_TRIGGERS, [self.schema]):
            if self._key(row["owner"]) in self.reading.tables:
                self.reading.note(self._key(row["owner"]), f"trigger {row['name']}")

    def _key(self, name: str) -> str:
        return f"{self.shown}.{name}" if self.shown else name

    def _names(self) -> list[str]:
        return [table["name"] for table in self.reading.tables.values()]

    async def _printed(self, session: Session, name: str) -> str:
        quoted = ".".join(_quote(part) for part in (self.schema, name))
        (row,) = await session._fetch(f"SHOW CREATE TABLE {quoted}", None)
        return _text(row["Create Table"])

    def _table(self, row: Dict, only: Collection[str] | None) -> None:
        name = row["name"]
        if name not in only if only is not None else name == HISTORY:
            return
        if row["type"] != "BASE TABLE":
            self.reading.note(self._key(name), f"a {row['type'].lower()}")
            return
        self.collations[name] = row["collation"]
        self.reading.tables[self._key(name)] = {
            "name": name,
            "fields": [],
            "indexes": [],
            "foreign_keys": [],
            "checks": [],
            "comment": row["comment"] or None,
            "schema": self.shown,
        }

    # --- columns ------------------------------------------------------------------------------

    def _column(self, table: Dict, row: Dict, printed: str) -> None:
        key, name = self._key(table["name"]), row["name"]
        type_, extra = _text(row["type"]), (row["extra"] or "").lower()
        if type_ == "longtext" and _json_check(printed, name):
            type_ = "json"
        column_type, db_type = mysql_type(type_)
        if column_type["kind"] == "enum":
            column_type["name"] = f"{table['name']}_{name}_enum".lower()
        made: Dict = {
            "name": name,
            "column_type": column_type,
            "nullable": row["nullable"] == "YES",
            "primary_key": False,
            "unique": False,
        }
        if type_ != "json" and row["collation"] not in (None, self.collations[table["name"]]):
            self.reading.note(key, f"column {name} has the collation {row['collation']}")
        value = _default(row["value"], extra, type_, self.reading.flavor)
        if "generated" in extra.replace("default_generated", ""):
            stored = "STORED" if "stored" in extra or "persistent" in extra else "VIRTUAL"
            expression = without_parens(_unescaped(_text(row["expression"]), self.reading.flavor), "mysql")
            db_type, value = f"{type_} GENERATED ALWAYS AS ({expression}) {stored}", None
            type_ = db_type
            self.reading.note(key, f"column {name} is generated: it cannot be written")
        elif "auto_increment" in extra:
            made["auto_increment"] = True
            db_type = "SERIAL" if db_type == "INTEGER" else db_type
        more = {"db_type": db_type, "default": value, "comment": row["comment"] or None}
        made.update({key: given for key, given in more.items() if given is not None})
        self.reading.types[key, name] = type_
        table["fields"].append(made)

    def _checks(self, table: Dict, printed: str) -> None:
        json = {
            field["name"]
            for field in table["fields"]
            if self.reading.types[self._key(table["name"]), field["name"]] == "json"
        }
        for name, expression in printed_checks(printed):
            if name not in json:
                table["checks"].append({"name": name, "expression": without_parens(expression, "mysql")})

    # --- keys and indexes ---------------------------------------------------------------------------

    def _foreign_keys(self, rows: list[Dict]) -> None:
        made: dict[tuple[str, str], Dict] = {}
        for row in rows:
            table = self.reading.tables.get(self._key(row["owner"]))
            if table is None:
                continue
            at_home = row["target_schema"] == self.schema and self.shown is None
            target = row["target"] if at_home else f"{row['target_schema']}.{row['target']}"
            fresh = {"name": row["name"], "columns": [], "ref_table": target, "ref_columns": []}
            fk = made.setdefault((row["owner"], row["name"]), fresh)
            if fk is fresh:
                fk.update(on_delete=row["on_delete"], on_update=row["on_update"])
                table["foreign_keys"].append(fk)
            fk["columns"].append(row["column_name"])
            fk["ref_columns"].append(row["target_column"])

    def _indexes(self, rows: list[Dict]) -> None:
        parts: dict[tuple[str, str], list[Dict]] = {}
        for row in rows:
            parts.setdefault((row["owner"], row["name"]), []).append(row)
        for (owner, name), columns in parts.items():
            table = self.reading.tables.get(self._key(owner))
            if table is not None:
                self._index(table, name, columns)

    def _index(self, table: Dict, name: str, rows: list[Dict]) -> None:
        columns = [row["column_name"] for row in rows]
        if name == "PRIMARY":
            set_keys(table, columns)
            if any(row["sub_part"] is not None for row in rows):
                self.reading.note(self._key(table["name"]), "the primary key is over a part of a column")
            return
        unique = not int(rows[0]["non_unique"])
        plain = rows[0]["type"] == "BTREE" and all(
            row["column_name"] is not None and row["sub_part"] is None and row["direction"] != "D"
            for row in rows
        )
        if not plain:
            shown = ", ".join(str(column or "an expression") for column in columns)
            self.reading.note(
                self._key(table["name"]), f"index {name} ({shown}) is {rows[0]['type']}, partial or ordered"
            )
            return
        if not unique and self._of_a_key(table, name, columns):
            return
        own = name in (columns[0], f"{table['name']}_{columns[0]}_key")
        if unique and len(columns) == 1 and own:
            (field,) = (each for each in table["fields"] if each["name"] == columns[0])
            field["unique"] = True
            return
        index: Dict = {"name": name, "fields": columns, "unique": unique}
        if unique and name == f"{table['name']}_{'_'.join(columns)}_key":
            index["constraint"] = True
        table["indexes"].append(index)

    @staticmethod
    def _of_a_key(table: Dict, name: str, columns: list[str]) -> bool:
        """Whether the server made it for a foreign key: it has the key's name, or its first column's."""
        return any(
            fk["columns"] == columns and name in (fk["name"], columns[0]) for fk in table["foreign_keys"]
        )


# --- texts -------------------------------------------------------------------------------------------

_CHECK = re.compile(r"^\s*CONSTRAINT (`(?:[^`]|``)+`) CHECK \((.*)\)(?: /\*!.*?\*/)?,?$", re.M)
_OWN_CHECK = re.compile(r"^\s*(`(?:[^`]|``)+`) .*? CHECK \((.*)\)(?: COMMENT '(?:[^']|'')*')?,?$", re.M)
_PRESENT = re.compile(r"(?:current_timestamp|now|curdate|curtime|uuid)\b", re.I)
_BARE = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|b'[01]*'|0x[0-9a-fA-F]+|[xX]'[0-9a-fA-F]*'")


def printed_checks(printed: str) -> list[tuple[str, str]]:
    """Names and expressions of the checks in what `SHOW CREATE TABLE` prints."""
    found = [(_unquoted(match[1]), match[2]) for match in _CHECK.finditer(printed)]
    # MariaDB prints the check of a column behind the column, whose name is all it has.
    return found + [(_unquoted(match[1]), match[2]) for match in _OWN_CHECK.finditer(printed)]


def printed_type(printed: str) -> str:
    """The type of the only column in what `SHOW CREATE TABLE` prints."""
    line = printed.splitlines()[1].strip()
    parts = tokens(line, "mysql")
    end = next((part.start for part in parts if part.is_word(*_AFTER_TYPE)), len(line))
    return line[parts[0].end : end].strip().rstrip(",")


def printed_default(printed: str) -> str | None:
    """The default of that column."""
    line = printed.splitlines()[1].strip()
    parts = tokens(line, "mysql")
    start = next((part.end for part in parts if part.is_word("DEFAULT")), None)
    if start is None:
        return None
    end = next((part.start for part in parts if part.is_word("CHECK", "COMMENT")), len(line))
    text = line[start:end].strip().rstrip(",")
    return None if text.upper() == "NULL" else _bare(text)


_AFTER_TYPE = ("CHARACTER", "COLLATE", "NOT", "NULL", "DEFAULT", "CHECK", "COMMENT", "ON")


def _bare(text: str) -> str:
    """A literal without its character set."""
    parts = tokens(without_parens(text, "mysql"), "mysql")
    if len(parts) == 2 and parts[0].text.startswith("_") and parts[1].kind == "string":
        return parts[1].text
    return text


def _json_check(printed: str, column: str) -> bool:
    quoted = _quote(column)
    return any(
        name == column and expression.replace(" ", "").lower() == f"json_valid({quoted})".lower()
        for name, expression in printed_checks(printed)
    )


def _default(value: object, extra: str, type_: str, flavor: str) -> str | None:
    """A column's default as SQL: MariaDB prints SQL, MySQL the bare value unless it is an expression."""
    if value is None:
        return None
    text = _text(value)
    if flavor == "mariadb":
        return None if text.upper() == "NULL" else _spelt(text, extra)
    if "default_generated" in extra.lower():
        return _spelt(_unescaped(text, flavor), extra)
    numeric = re.match(r"(?:tiny|small|medium|big)?int|decimal|float|double|bit|year", type_)
    if (numeric and _BARE.fullmatch(text)) or text.startswith(("b'", "0x")):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _spelt(text: str, extra: str) -> str:
    """With what belongs to it but is printed elsewhere."""
    text = _bare(text)
    update = re.search(r"on update (\S+)", extra, re.I)
    parts = tokens(text, "mysql")
    simple = len(parts) == 1 or bool(_PRESENT.match(text)) or bool(_BARE.fullmatch(text))
    shown = text if simple or text.startswith("(") else f"({text})"
    return shown if update is None else f"{shown} ON UPDATE {update[1]}"


def _unescaped(text: str, flavor: str) -> str:
    """MySQL's catalog escapes the quotes of expressions once more."""
    return text if flavor == "mariadb" else text.replace("\\'", "'").replace("\\\\", "\\")


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`")
