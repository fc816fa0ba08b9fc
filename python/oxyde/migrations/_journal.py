"""MySQL commits each DDL statement: a record of which ones are done, for the run after a failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..db.connection import Connection
from .files import MigrationFile

if TYPE_CHECKING:
    from ._plan import Planned
    from ._runner import Runner

__all__ = ["begin", "check"]


async def check(conn: Connection, files: Sequence[MigrationFile]) -> None:
    """Refuses to run if an earlier run left something that this one cannot go on with."""


async def begin(runner: Runner, planned: Planned) -> Any:
    """The record of one migration; None where the database undoes what fails."""
    return None
