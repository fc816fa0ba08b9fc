"""The commands in guide pages, typed as they stand there, answer as they do there."""

from __future__ import annotations

import re
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = Path(__file__).resolve().parent.parent.parent / "docs" / "guide"
BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<file>\S+\.py) -->\n)?```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.M | re.S
)


@pytest.mark.parametrize(("page", "least"), [("migrations.md", 12), ("existing-database.md", 4)], ids=str)
def test_a_project_as_in_the_guide(page: str, least: int, tmp_path: Path) -> None:
    if page == "existing-database.md":
        with sqlite3.connect(tmp_path / "shop.db") as there:
            there.execute("CREATE TABLE crate (id INTEGER PRIMARY KEY, label VARCHAR(40) NOT NULL)")
    commands = 0
    for block in BLOCK.finditer((GUIDE / page).read_text()):
        if block["file"]:
            (tmp_path / block["file"]).write_text(block["body"])
        elif block["kind"] == "console":
            for part in block["body"].split("$ oxyde ")[1:]:
                line, _, expected = part.partition("\n")
                done = subprocess.run(
                    [sys.executable, "-m", "oxyde", *shlex.split(line)],
                    cwd=tmp_path,
                    capture_output=True,
                    text=True,
                    check=False,
                    stdin=subprocess.DEVNULL,
                )
                assert (done.returncode, done.stdout) == (0, expected), f"{line}\n{done.stderr}"
                commands += 1
    assert commands >= least
