"""Memory that 100,000 models take: read with oxyde, and made with model_validate from the same rows.

Each way has a process of its own; live bytes are what tracemalloc counts, resident memory is taken
in another process, without it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

from benchmarks.suite import rows

MODELS = 100_000
WAYS = ("oxyde", "model_validate")
KINDS = ("live", "resident")


def measure() -> dict[str, dict[str, float]]:
    """way -> kind -> bytes a model."""
    from benchmarks.suite.stages import Sqlite

    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="oxyde-bench-") as folder:
        path = Sqlite(Path(folder), MODELS).prepare("memory").path
        for way in WAYS:
            for kind in KINDS:
                command = [sys.executable, "-m", "benchmarks.suite.memory", way, kind, path]
                ended = subprocess.run(command, check=True, capture_output=True, text=True)
                found.setdefault(way, {})[kind] = int(ended.stdout) / MODELS
    return found


def resident() -> int:
    """Of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def models(way: str, path: str, number: int) -> list[Any]:
    """So many of them."""
    from benchmarks.suite.contenders.oxyde_ import SuiteStreamed

    if way == "oxyde":
        return await SuiteStreamed.objects.filter(id__lte=number).all()
    made = []
    db = sqlite3.connect(path)
    names = rows.Streamed._fields
    for row in db.execute(f"SELECT {', '.join(names)} FROM {rows.STREAM} WHERE id <= ?", (number,)):
        made.append(SuiteStreamed.model_validate(dict(zip(names, row))))
    db.close()
    return made


async def held(way: str, kind: str, path: str) -> int:
    """Bytes that the models hold, after a few were made to warm up."""
    from oxyde import db

    await db.init(default=f"sqlite:///{path}")
    await models(way, path, 1000)
    gc.collect()
    if kind == "live":
        tracemalloc.start()
    before = resident()
    made = await models(way, path, MODELS)
    gc.collect()
    if len(made) != MODELS:
        raise RuntimeError(f"{len(made)} models")
    found = tracemalloc.get_traced_memory()[0] if kind == "live" else resident() - before
    await db.close()
    return found


if __name__ == "__main__":
    print(asyncio.run(held(*sys.argv[1:4])))
