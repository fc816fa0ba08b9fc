"""Scripts: several statements at once."""

from __future__ import annotations

from typing import Any

from .._core import SINK_AFFECTED, raw_operation

__all__ = ["execute_script"]


async def execute_script(sql: str, *, using: str | None = None, client: Any = None) -> None:
    """Runs several statements, without parameters and without rows, inside the open transaction if any."""
    if not isinstance(sql, str):
        raise TypeError(f"execute_script() takes the SQL as a str, not {type(sql).__name__}")
    await raw_operation(sql, None, using=using, client=client, script=True, sink=SINK_AFFECTED)
