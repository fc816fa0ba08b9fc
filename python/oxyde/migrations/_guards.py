"""What is asked of the rows before anything of a migration runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._runner import Runner

__all__ = ["check"]


async def check(runner: Runner, operations: Sequence[dict[str, Any]], name: str) -> None:
    """Refuses the migration if rows stand in its way."""
