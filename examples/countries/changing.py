"""Models that change: the command `oxyde` in a small project of its own, on SQLite.

Each command is run exactly as it is printed.
"""

from __future__ import annotations

import shlex
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

__all__ = ["session"]

MODEL = """from oxyde import Field, Model


class Crate(Model):
    id: int | None = Field(default=None, db_pk=True)
    kg: int

    class Meta:
        is_table = True
"""


def session() -> str:
    """From an empty folder to a renamed column with its rows in it: commands and what they said."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        module = folder / "shop.py"
        module.write_text(MODEL)
        said = [
            _oxyde(folder, "init --models shop --dialect sqlite --url sqlite:///shop.db --no-input"),
            _oxyde(folder, "makemigrations"),
            _oxyde(folder, "migrate"),
        ]
        with closing(sqlite3.connect(folder / "shop.db")) as database, database:
            database.execute("INSERT INTO crate (kg) VALUES (12)")
        module.write_text(MODEL.replace("kg: int", "weight_kg: int\n    state: str"))
        said += [
            "# a row with kg=12 was written; in the model kg is weight_kg now, and there is a state",
            _oxyde(
                folder,
                "makemigrations --name weights --rename crate.kg:weight_kg --default \"crate.state='new'\"",
            ),
            _oxyde(folder, "migrate"),
            _oxyde(folder, "showmigrations"),
        ]
        with closing(sqlite3.connect(folder / "shop.db")) as database:
            rows = database.execute("SELECT weight_kg, state FROM crate").fetchall()
        if rows != [(12, "new")]:
            raise AssertionError(f"the row did not come along: {rows}")
        said.append("# the row is there: weight_kg=12, state='new'")
        return "\n".join(said)


def _oxyde(folder: Path, arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "oxyde", *shlex.split(arguments)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"oxyde {arguments}: {done.stdout}")
    return f"$ oxyde {arguments}\n{done.stdout.rstrip()}"
