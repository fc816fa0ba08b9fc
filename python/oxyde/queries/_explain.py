"""EXPLAIN in the words of each database."""

from __future__ import annotations

import json
from typing import Any

from ..exceptions import NotSupportedError

__all__ = ["explain_prefix", "plain", "plan_of_rows"]


def explain_prefix(flavor: str, analyze: bool, format: str) -> str:
    """What stands before the query."""
    as_json = format == "json"
    if flavor == "postgres":
        options = [name for name, wanted in (("ANALYZE", analyze), ("FORMAT JSON", as_json)) if wanted]
        return f"EXPLAIN ({', '.join(options)})" if options else "EXPLAIN"
    if flavor == "mariadb":
        verb = "ANALYZE" if analyze else "EXPLAIN"
        return f"{verb} FORMAT=JSON" if as_json else verb
    if flavor == "mysql":
        if analyze and as_json:
            raise NotSupportedError("MySQL has EXPLAIN ANALYZE as text only", backend="mysql")
        if analyze:
            return "EXPLAIN ANALYZE"
        return "EXPLAIN FORMAT=JSON" if as_json else "EXPLAIN FORMAT=TREE"
    if analyze or as_json:
        what = "analyze=True" if analyze else "format='json'"
        raise NotSupportedError(f"SQLite has no EXPLAIN with {what}", backend="sqlite")
    return "EXPLAIN QUERY PLAN"


def plain(params: list[Any]) -> list[Any]:
    """The parameters; their values do not change the plan, so a form that every driver takes is enough."""
    return [json.dumps(p, default=str) if isinstance(p, (dict, set)) else p for p in params]


def plan_of_rows(flavor: str, format: str, rows: list[dict[str, Any]]) -> Any:
    """The answer as text or structure."""
    if flavor == "sqlite":
        return _sqlite_tree(rows)
    if format == "json":
        value = next(iter(rows[0].values()))
        return json.loads(value) if isinstance(value, (str, bytes)) else value
    if flavor == "mariadb":
        return _table(rows)
    return "\n".join(str(value).rstrip("\n") for row in rows for value in row.values())


def _sqlite_tree(rows: list[dict[str, Any]]) -> str:
    depth: dict[Any, int] = {0: -1}
    lines = []
    for row in rows:
        depth[row["id"]] = depth.get(row["parent"], -1) + 1
        lines.append("  " * depth[row["id"]] + row["detail"])
    return "\n".join(lines)


def _table(rows: list[dict[str, Any]]) -> str:
    names = list(rows[0])
    cells = [names, *(["NULL" if row[name] is None else str(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) for line in cells)
    return "\n".join(line.rstrip() for line in lines)
