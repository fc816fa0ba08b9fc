"""The files beside the history of a database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..db.registry import get_connection
from ..migrations._plan import resolve_history, stored_checksums
from ..migrations.files import load_files
from ..migrations.tracker import History


@dataclass(frozen=True)
class Entry:
    """A migration as the file or the history knows it; the keys of `showmigrations --json`."""

    name: str
    applied: bool
    applied_at: str | None
    depends_on: list[str]
    changed: bool
    missing: bool


async def read_history(folder: str, alias: str) -> list[Entry]:
    """Every file in order, then what was applied and has no file."""
    everything = load_files(folder)
    database = await get_connection(alias)
    async with database.connection() as conn:
        rows = await History(conn).rows()
    times = {row["name"]: _time(row["applied_at"]) for row in rows}
    checksums = stored_checksums(rows)
    files, squashed = resolve_history(everything, times)
    # Recorded at the next migrate, without running.
    done = {each.file.name for each in squashed if not each.unfinished}
    entries = [
        Entry(
            name=file.name,
            applied=file.name in times or file.name in done,
            applied_at=times.get(file.name),
            depends_on=list(file.depends_on),
            changed=file.name in checksums and checksums[file.name] != file.checksum(),
            missing=False,
        )
        for file in files
    ]
    known = {file.name for file in everything} | {name for file in everything for name in file.replaces}
    gone = [name for name in times if name not in known]
    return entries + [Entry(name, True, times[name], [], False, True) for name in gone]


def _time(value: Any) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
