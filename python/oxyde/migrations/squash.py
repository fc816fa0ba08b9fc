"""`squash_migrations`: one file in place of many."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ._collected import Collected, collect_files
from ._untracked import as_tracked
from .diff import compute_diff
from .errors import MigrationError
from .files import CURRENT_FORMAT, MigrationFile, load_files, without_replaced
from .generator import literal, render_file
from .replay import replay_files
from .state import SchemaState

__all__ = ["SquashResult", "squash_migrations"]


@dataclass(frozen=True)
class SquashResult:
    """What a squash did; the lists hold names of files."""

    new_file: Path | None = None
    deleted_files: list[str] = field(default_factory=list)
    raw_sql_files: list[str] = field(default_factory=list)
    legacy_files: list[str] = field(default_factory=list)
    table_count: int = 0


def squash_migrations(
    migrations_dir: str | Path = "migrations", name: str = "squashed", *, keep: bool = False
) -> SquashResult:
    """Writes one file that makes the schema which all files lead to, and deletes them unless `keep`.

    Raw SQL and `ctx.run` steps stand in it as comments: whether they are still needed is for a
    person to say.
    """
    folder = Path(migrations_dir)
    everything = load_files(folder)
    files = without_replaced(everything)
    if not files:
        return SquashResult()
    snapshot = as_tracked(replay_files(files).to_snapshot())
    collected = collect_files(files)
    raw = [each for each in collected if each.raw]
    result = SquashResult(
        raw_sql_files=[each.file.name for each in raw],
        legacy_files=[file.name for file in files if file.format < CURRENT_FORMAT],
        table_count=len(snapshot["tables"]),
    )
    if len(everything) == 1 and files[0].replaces:
        return SquashResult(files[0].path, [], [], [], result.table_count)
    path = folder / f"0001_{re.sub(r'[^a-z0-9_]+', '_', name.lower()).strip('_') or 'squashed'}.py"
    if path.exists():
        raise MigrationError(f"{path} exists: choose another name for the squashed file (--name)")
    operations = compute_diff(SchemaState().to_snapshot(), snapshot)
    text = render_file(operations, depends_on=None, now=datetime.datetime.now())
    text = _with_history(text, _replaced(files), raw)
    # Written under a name that is no migration's, so that a reader never sees half of it.
    unfinished = folder / f".{path.name}.new"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.rename(path)
    deleted = []
    if not keep:
        for file in everything:
            file.path.unlink()
            deleted.append(file.name)
    return SquashResult(path, deleted, result.raw_sql_files, result.legacy_files, result.table_count)


def _replaced(files: Iterable[MigrationFile]) -> list[str]:
    """Every name that the squashed file stands for, those of earlier squashes included."""
    return list(dict.fromkeys(name for file in files for name in (*file.replaces, file.name)))


def _with_history(text: str, names: Sequence[str], raw: Sequence[Collected]) -> str:
    lines = ["replaces = [", *(f"    {literal(name)}," for name in names), "]"]
    for each in raw:
        lines += [
            "",
            f"# {each.file.name} also did what follows; copy what a new database needs.",
        ]
        for step in each.raw:
            shown = step.text if step.params is None else f"{step.text}\nparams: {step.params!r}"
            lines += [f"#     {line}".rstrip() for line in shown.strip().splitlines()]
    head, mark, tail = text.partition("depends_on = None\n")
    return head + mark + "\n".join(lines) + "\n" + tail
