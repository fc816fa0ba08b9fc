"""`check_schema`: what a live database lacks to be what the models say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .._fields import enum_key
from ..diff import compute_diff
from ..extract import extract_current_schema
from ._ask import ask
from ._match import Matcher
from ._reading import Dict, Reading, Session
from .inspect import open_session, read_database

__all__ = ["check_schema", "check_snapshot"]


async def check_schema(
    alias: str = "default", *, models: Iterable[type[Any]] | None = None
) -> list[dict[str, Any]]:
    """The operations that would turn the database into what the models say; empty if it is that already.

    Types, defaults and expressions count as equal when the server would print them alike. Tables
    without a model are left alone.
    """
    chosen = None if models is None else list(models)
    return await check_snapshot(lambda backend: extract_current_schema(backend, models=chosen), alias)


async def check_snapshot(expected_on: Callable[[str], Dict], alias: str = "default") -> list[dict[str, Any]]:
    """The same for a snapshot, made for the backend of the alias."""
    async with open_session(alias) as (session, backend, flavor):
        expected = expected_on(backend)
        reading = await _read(session, backend, flavor, expected)
        matcher = Matcher(reading, expected, backend, flavor)
        live = matcher.matched()
        if matcher.questions:
            matcher.answers = await ask(session, backend, matcher.questions)
            live = matcher.matched()
    return [op for op in compute_diff(live, expected) if not _in_use(op, reading, expected)]


async def _read(session: Session, backend: str, flavor: str, expected: Dict) -> Reading:
    reading = await read_database(session, backend, flavor, None, None)
    schemas = {table.get("schema") for table in expected["tables"].values()}
    for schema in sorted(schema for schema in schemas if schema):
        reading.merge(await read_database(session, backend, flavor, None, schema))
    return reading


def _in_use(op: Dict, reading: Reading, expected: Dict) -> bool:
    """Whether it would drop an enum type that a table without a model needs."""
    return op["type"] == "drop_enum_type" and any(
        enum_key(table, field["column_type"]) == op["name"]
        for key, table in reading.tables.items()
        if key not in expected["tables"]
        for field in table["fields"]
    )
