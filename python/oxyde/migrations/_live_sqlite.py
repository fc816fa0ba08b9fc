"""SQLite: a table made anew from what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .render import Step

if TYPE_CHECKING:
    from ._runner import Runner

__all__ = ["rebuild"]


async def rebuild(runner: Runner, step: Step) -> None:
    """Runs a step that makes a table anew."""
    # So that references of other tables stay as they are written.
    await runner.run("PRAGMA legacy_alter_table = ON")
    try:
        for sql in step.statements:
            await runner.run(sql)
    finally:
        await runner.run("PRAGMA legacy_alter_table = OFF")
