"""Operations fitted to what a database really holds: names that only the server knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._mysql_keys import own_index
from .render import quoted

if TYPE_CHECKING:
    from ._runner import Runner

__all__ = ["adapt"]

Dict = dict[str, Any]


async def adapt(runner: Runner, op: Dict) -> Dict:
    """The operation with the names found in the database, where it says none."""
    if op["type"] == "alter_column" and runner.dialect != "sqlite":
        return await _with_unique_name(runner, op)
    if op["type"] == "create_index" and op.get("concurrently") and runner.dialect == "postgres":
        await _drop_invalid(runner, op)
    if op["type"] == "drop_foreign_key" and runner.dialect in ("mysql", "mariadb"):
        return await _with_index_name(runner, op)
    return op


async def _drop_invalid(runner: Runner, op: Dict) -> None:
    """An index that an earlier attempt left: it is there, and serves nobody."""
    table = runner.state.find_table(op["table"])
    schema = None if table is None else table.get("schema")
    rows = await runner.ask(
        "SELECT 1 AS one FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE NOT i.indisvalid AND c.relname = $1 AND n.nspname = coalesce($2, current_schema())",
        [op["index"]["name"], schema],
    )
    if rows:
        prefix = f"{quoted('postgres', schema)}." if schema else ""
        await runner.run(f"DROP INDEX CONCURRENTLY {prefix}{quoted('postgres', op['index']['name'])}")


async def _with_index_name(runner: Runner, op: Dict) -> Dict:
    """Which index the server keeps for a foreign key, and would keep when the key is gone."""
    table = runner.state.find_table(op["table"])
    fk = None if table is None else next((f for f in table["foreign_keys"] if f["name"] == op["name"]), None)
    if table is None or fk is None:
        return op
    rows = await runner.ask(
        "SELECT index_name AS name FROM information_schema.statistics "
        "WHERE table_schema = coalesce(?, database()) AND table_name = ? AND index_name = ?",
        [table.get("schema"), table["name"], fk["name"]],
    )
    known = any(index["name"] == fk["name"] for index in table["indexes"])
    name = own_index(op, table) if rows and not known else None
    return {**op, "index_name": name or ""}


async def _with_unique_name(runner: Runner, op: Dict) -> Dict:
    """Under which name a column is unique that will not be so any more."""
    table = runner.state.find_table(op["table"])
    field = None if table is None else next((f for f in table["fields"] if f["name"] == op["column"]), None)
    becomes = op["new_field"].get("unique") if op.get("new_field") else op["changes"].get("unique", True)
    if table is None or field is None or not field["unique"] or becomes:
        return op
    ours = {index["name"] for index in table["indexes"]}
    find = _unique_on_postgres if runner.dialect == "postgres" else _unique_on_mysql
    names = [name for name in await find(runner, table, field["name"]) if name not in ours]
    usual = f"{table['name']}_{field['name']}_key"
    if not names or usual in names:
        return op
    return {**op, "constraint_name": names[0]}


async def _unique_on_postgres(runner: Runner, table: Dict, column: str) -> list[str]:
    rows = await runner.ask(
        "SELECT c.conname AS name FROM pg_constraint c "
        "JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum] "
        "JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace "
        "WHERE c.contype = 'u' AND a.attname = $1 AND t.relname = $2 "
        "AND n.nspname = coalesce($3, current_schema()) "
        "ORDER BY c.conname",
        [column, table["name"], table.get("schema")],
    )
    return [str(row["name"]) for row in rows]


async def _unique_on_mysql(runner: Runner, table: Dict, column: str) -> list[str]:
    rows = await runner.ask(
        "SELECT index_name AS name FROM information_schema.statistics "
        "WHERE table_schema = coalesce(?, database()) AND table_name = ? AND non_unique = 0 "
        "AND index_name <> 'PRIMARY' GROUP BY index_name "
        "HAVING count(*) = 1 AND max(column_name) = ? ORDER BY index_name",
        [table.get("schema"), table["name"], column],
    )
    return [str(row["name"]) for row in rows]
