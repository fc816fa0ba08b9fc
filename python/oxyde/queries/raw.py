"""Raw SQL."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from .._core import SINK_LIST, raw_operation

__all__ = ["execute_raw"]


def execute_raw(
    sql: str, params: Sequence[Any] | None = None, *, using: str | None = None, client: Any = None
) -> Coroutine[Any, Any, list[dict[str, Any]]]:
    """Runs one statement as it is written; rows as dicts by the names the database gives them.

    Placeholders are the database's own: `?` on SQLite and MySQL, `$1` on PostgreSQL.
    """
    if not isinstance(sql, str):
        raise TypeError(f"execute_raw() takes the SQL as a str, not {type(sql).__name__}")
    if params is not None and not isinstance(params, (list, tuple)):
        raise TypeError(f"params is a list or tuple, not {type(params).__name__}")
    return raw_operation(sql, params, using=using, client=client, sink=SINK_LIST)
