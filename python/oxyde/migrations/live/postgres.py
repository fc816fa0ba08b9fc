"""A PostgreSQL schema, read from its catalog."""

from __future__ import annotations

from collections.abc import Collection

from ...models._plan import enum_type_name
from ...models.decorators import METHODS
from ._class_names import class_name
from ._kinds import postgres_type
from ._reading import HISTORY, Dict, Reading, Session, set_keys
from ._text import without_parens

__all__ = ["read_postgres"]

_TABLES = """
SELECT c.oid::bigint AS oid, c.relname::text AS name, c.relkind::text AS kind, c.relispartition AS part,
    obj_description(c.oid, 'pg_class') AS comment,
    EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = c.oid) AS inherits
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT EXISTS (SELECT 1 FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname
"""

_COLUMNS = """
SELECT a.attrelid::bigint AS oid, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
    a.attnotnull AS required, pg_get_expr(d.adbin, d.adrelid) AS value, a.attidentity::text AS identity,
    a.attgenerated::text AS generated, col_description(a.attrelid, a.attnum) AS comment,
    t.typtype::text AS typtype, e.typtype::text AS item_typtype, t.typname::text AS typname,
    e.typname::text AS item_typname, tn.nspname::text AS typschema, en.nspname::text AS item_schema,
    CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END AS base,
    CASE WHEN a.attcollation <> t.typcollation THEN co.collname::text END AS collation,
    EXISTS (SELECT 1 FROM pg_depend o JOIN pg_class s ON s.oid = o.objid AND s.relkind = 'S'
        WHERE o.refclassid = 'pg_class'::regclass AND o.refobjid = a.attrelid
            AND o.refobjsubid = a.attnum AND o.deptype = 'a') AS owns_sequence
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
LEFT JOIN pg_namespace en ON en.oid = e.typnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation co ON co.oid = a.attcollation
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

_KEY = """
    ARRAY(SELECT a.attname::text FROM unnest({numbers}) WITH ORDINALITY k(n, at)
        JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = k.n ORDER BY k.at)
"""

_CONSTRAINTS = f"""
SELECT x.conrelid::bigint AS oid, x.conname::text AS name, x.contype::text AS type,
    {_KEY.format(numbers="x.conkey", table="x.conrelid")} AS columns,
    {_KEY.format(numbers="x.confkey", table="x.confrelid")} AS targets,
    r.relname::text AS target, rn.nspname::text AS target_schema,
    x.confdeltype::text AS on_delete, x.confupdtype::text AS on_update, x.confmatchtype::text AS match,
    x.condeferrable AS deferrable, pg_get_expr(x.conbin, x.conrelid) AS expression,
    pg_get_constraintdef(x.oid) AS definition
FROM pg_constraint x JOIN pg_class c ON c.oid = x.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class r ON r.oid = x.confrelid LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
WHERE n.nspname = $1 AND x.contype IN ('p', 'u', 'f', 'c', 'x')
ORDER BY x.conname
"""

_INDEXES = f"""
SELECT i.indrelid::bigint AS oid, ic.relname::text AS name, i.indisunique AS is_unique,
    am.amname::text AS method, pg_get_expr(i.indpred, i.indrelid) AS predicate,
    {_KEY.format(numbers="i.indkey::int2[]", table="i.indrelid")} AS columns,
    i.indexprs IS NOT NULL AS computed, i.indnkeyatts <> i.indnatts AS covers, i.indisvalid AS valid,
    EXISTS (SELECT 1 FROM unnest(i.indoption::int2[]) o WHERE o <> 0) AS ordered,
    EXISTS (SELECT 1 FROM unnest(i.indclass::oid[]) k JOIN pg_opclass p ON p.oid = k
        WHERE NOT p.opcdefault) AS special,
    pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')
    AND NOT EXISTS (SELECT 1 FROM pg_constraint x
        WHERE x.conindid = i.indexrelid AND x.contype IN ('p', 'u', 'x'))
ORDER BY ic.relname
"""

_ENUMS = """
SELECT t.typname::text AS name, n.nspname::text AS schema, e.enumlabel::text AS label
FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace
ORDER BY t.typname, e.enumsortorder
"""

_DOMAINS = """
SELECT t.typname::text AS name, n.nspname::text AS schema, format_type(t.oid, NULL) AS shown,
    format_type(t.typbasetype, t.typtypmod) AS base, t.typnotnull AS required, t.typdefault AS value,
    ARRAY(SELECT pg_get_constraintdef(x.oid) FROM pg_constraint x WHERE x.contypid = t.oid
        AND x.contype = 'c' ORDER BY x.conname) AS checks
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'd' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""

_TRIGGERS = """
SELECT c.relname::text AS name, g.tgname::text AS trigger FROM pg_trigger g
JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND NOT g.tgisinternal ORDER BY g.tgname
"""

_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_LEFT_OUT = {"v": "view", "m": "materialized view", "f": "foreign table"}


async def read_postgres(session: Session, only: Collection[str] | None, schema: str | None) -> Reading:
    """The tables of a schema; of the current one, without its name, if none is given."""
    (here,) = await session._fetch("SELECT current_schema()::text AS name", None)
    found = _Postgres(schema or here["name"] or "public", schema, here["name"])
    await found.read(session, only)
    return found.reading


class _Postgres:
    """One schema on its way from catalog rows to dicts."""

    def __init__(self, schema: str, shown: str | None, current: str | None) -> None:
        self.schema, self.shown, self.current = schema, shown, current
        self.reading = Reading("postgres", "postgres")
        self.by_oid: dict[int, Dict] = {}
        self.labels: dict[tuple[str, str], list[str]] = {}
        self.domains: dict[tuple[str, str], Dict] = {}
        self.made: set[str] = set()

    async def read(self, session: Session, only: Collection[str] | None) -> None:
        for row in await session._fetch(_ENUMS, None):
            self.labels.setdefault((row["schema"], row["name"]), []).append(row["label"])
            if row["schema"] == self.schema:
                self.reading.labels.setdefault(self._key(row["name"]), []).append(row["label"])
        for row in await session._fetch(_DOMAINS, None):
            self.domains[row["schema"], row["name"]] = row
        for row in await session._fetch(_TABLES, [self.schema]):
            self._table(row, only)
        for query, take in (
            (_COLUMNS, self._column),
            (_CONSTRAINTS, self._constraint),
            (_INDEXES, self._index),
        ):
            for row in await session._fetch(query, [self.schema]):
                table = self.by_oid.get(row["oid"])
                if table is not None:
                    take(table, row)
        for table in self.by_oid.values():
            _settle_numbering(table)
        for row in await session._fetch(_TRIGGERS, [self.schema]):
            if self._key(row["name"]) in self.reading.tables:
                self.reading.note(self._key(row["name"]), f"trigger {row['trigger']}")

    def _key(self, name: str) -> str:
        return f"{self.shown}.{name}" if self.shown else name

    def _table(self, row: Dict, only: Collection[str] | None) -> None:
        name = row["name"]
        if name not in only if only is not None else name == HISTORY:
            return
        if row["kind"] in _LEFT_OUT:
            self.reading.note(self._key(name), f"a {_LEFT_OUT[row['kind']]}")
            return
        if row["part"]:
            self.reading.note(self._key(name), "a partition")
            return
        table: Dict = {
            "name": name,
            "fields": [],
            "indexes": [],
            "foreign_keys": [],
            "checks": [],
            "comment": row["comment"],
            "schema": self.shown,
        }
        if row["kind"] == "p":
            self.reading.note(self._key(name), "partitioned")
        elif row["inherits"]:
            self.reading.note(self._key(name), "inherits from another table")
        self.by_oid[row["oid"]] = self.reading.tables[self._key(name)] = table

    # --- columns ------------------------------------------------------------------------------

    def _column(self, table: Dict, row: Dict) -> None:
        key = self._key(table["name"])
        column_type, db_type = self._type(row)
        made: Dict = {
            "name": row["name"],
            "column_type": column_type,
            "nullable": not row["required"],
            "primary_key": False,
            "unique": False,
        }
        type_, value = row["type"], row["value"]
        if row["generated"]:
            type_ += f" GENERATED ALWAYS AS ({without_parens(value, 'postgres')}) STORED"
            db_type, value = type_, None
            self.reading.note(key, f"column {row['name']} is generated: it cannot be written")
        elif row["identity"]:
            made["identity"] = {"a": "ALWAYS", "d": "BY DEFAULT"}[row["identity"]]
        elif row["owns_sequence"] and str(value).startswith("nextval("):
            made["serial"] = True
        if row["collation"]:
            self.reading.note(key, f"column {row['name']} has the collation {row['collation']}")
        more = {"db_type": db_type, "default": value, "comment": row["comment"]}
        made.update({name: given for name, given in more.items() if given is not None})
        self.reading.types[key, row["name"]] = type_
        table["fields"].append(made)

    def _type(self, row: Dict) -> tuple[Dict, str | None]:
        item = row["item_typtype"] is not None
        kind = row["item_typtype"] if item else row["typtype"]
        owner = (row["item_schema"], row["item_typname"]) if item else (row["typschema"], row["typname"])
        if kind == "e":
            column_type, db_type = self._enum(owner, row["type"].removesuffix("[]"))
            if not item:
                return column_type, db_type
            return {"kind": "array", "item": column_type}, None if db_type is None else f"{db_type}[]"
        if kind == "d" and not item:
            self._domain(owner)
        return postgres_type(row["type"], base=row["base"])

    def _enum(self, owner: tuple[str, str], shown: str) -> tuple[Dict, str | None]:
        schema, name = owner
        values = self.labels.get(owner, [])
        key = f"{schema}.{name}" if self.shown else name
        column_type = {"kind": "enum", "name": name, "values": values}
        if schema == self.schema and enum_type_name(class_name(name.removesuffix("_enum"))) == name:
            self.reading.enums[key] = values
            return column_type, None
        # No class gives this name: text that is checked by a class of the same values.
        self._preamble(f"CREATE TYPE {shown} AS ENUM ({', '.join(_literal(label) for label in values)})")
        return {"kind": "text", "labels": values, "type_name": name}, shown

    def _domain(self, owner: tuple[str, str]) -> None:
        domain = self.domains.get(owner)
        if domain is not None:
            parts = [f"CREATE DOMAIN {domain['shown']} AS {domain['base']}"]
            parts += [f"DEFAULT {domain['value']}"] if domain["value"] else []
            parts += ["NOT NULL"] if domain["required"] else []
            self._preamble(" ".join([*parts, *domain["checks"]]))

    def _preamble(self, sql: str) -> None:
        if sql not in self.reading.preamble:
            self.reading.preamble.append(sql)

    # --- constraints and indexes ------------------------------------------------------------------

    def _constraint(self, table: Dict, row: Dict) -> None:
        key, name = self._key(table["name"]), row["name"]
        if row["deferrable"]:
            self.reading.note(key, f"constraint {name} is deferrable")
        if row["type"] == "p":
            set_keys(table, row["columns"])
        elif row["type"] == "c":
            expression = without_parens(row["expression"], "postgres")
            table["checks"].append({"name": name, "expression": expression})
        elif row["type"] == "x":
            self.reading.note(key, f"exclusion constraint {name}: {row['definition']}")
        elif row["type"] == "u":
            self._unique(table, name, row["columns"])
        else:
            self._foreign_key(table, row)

    @staticmethod
    def _unique(table: Dict, name: str, columns: list[str]) -> None:
        if len(columns) == 1:
            (field,) = (each for each in table["fields"] if each["name"] == columns[0])
            if not field["unique"]:
                field["unique"] = True
                return
        table["indexes"].append({"name": name, "fields": columns, "unique": True, "constraint": True})

    def _foreign_key(self, table: Dict, row: Dict) -> None:
        at_home = row["target_schema"] == (self.current if self.shown is None else None)
        if row["match"] == "f":
            self.reading.note(self._key(table["name"]), f"foreign key {row['name']} is MATCH FULL")
        table["foreign_keys"].append(
            {
                "name": row["name"],
                "columns": row["columns"],
                "ref_table": row["target"] if at_home else f"{row['target_schema']}.{row['target']}",
                "ref_columns": row["targets"],
                "on_delete": _ACTIONS[row["on_delete"]],
                "on_update": _ACTIONS[row["on_update"]],
            }
        )

    def _index(self, table: Dict, row: Dict) -> None:
        plain = not (row["computed"] or row["covers"] or row["ordered"] or row["special"]) and row["valid"]
        if not plain or row["method"] not in METHODS:
            self.reading.note(self._key(table["name"]), f"index {row['name']}: {row['definition']}")
            return
        index: Dict = {"name": row["name"], "fields": row["columns"], "unique": row["is_unique"]}
        if row["method"] != "btree":
            index["method"] = row["method"]
        if row["predicate"]:
            index["where"] = without_parens(row["predicate"], "postgres")
        table["indexes"].append(index)


def _settle_numbering(table: Dict) -> None:
    """What counts by itself: a key of one column is auto-numbered, any other column keeps its default."""
    keys = [field for field in table["fields"] if field["primary_key"]]
    for field in table["fields"]:
        identity, serial = field.pop("identity", None), field.pop("serial", False)
        if not (identity or serial):
            continue
        if keys == [field] and field["column_type"] == {"kind": "big_integer"}:
            field["auto_increment"] = True
            field.pop("default", None)
            field["db_type"] = _SERIALS.get(field.get("db_type") or "")
        elif identity:
            field["db_type"] = f"{field.get('db_type') or 'BIGINT'} GENERATED {identity} AS IDENTITY"
        if field.get("db_type") is None:
            field.pop("db_type", None)


_SERIALS = {"INTEGER": "SERIAL", "SMALLINT": "SMALLSERIAL"}


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
