"""What the core's test programs print: DDL, and the compiled golden cases."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DIALECTS = ("pg", "mysql", "mariadb")
ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("OXYDE_CORE_BUILD", ROOT / "build" / "core"))


def _run(*args: str) -> bytes:
    done = subprocess.run([str(BUILD / args[0]), *args[1:]], capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{args}: {done.stderr.decode()}")
    return done.stdout


def ddl(dialect: str, what: str, tables: str) -> list[str]:
    """The statements that create or drop (`again`: if they do not exist, if they do) the tables."""
    printed = _run("tests/schema/print_ddl", dialect, what, tables)
    return [statement.decode() for statement in printed.split(b"\0") if statement]


@dataclass(frozen=True)
class Case:
    """A golden case as one dialect has it. `values` are as JSON has them, one per placeholder."""

    name: str
    kinds: tuple[str, ...]
    sql: str
    values: tuple[Any, ...]
    cols: tuple[tuple[str, str], ...]
    writes: bool


@cache
def golden(dialect: str) -> list[Case]:
    """Every case that the dialect compiles; those it refuses are left out."""
    files = sorted(str(path) for path in (ROOT / "core" / "tests" / "golden").glob("*/*.case"))
    cases = []
    for line in _run("tests/sql/test_sql_golden", "--print", dialect, *files).decode().splitlines():
        name, kinds, sql, values, cols, flags = line.split("\t")
        if sql.startswith("!"):
            continue
        cases.append(
            Case(
                name,
                tuple(kinds.split(",")) if kinds else (),
                sql,
                tuple(json.loads(f"[{values}]")),
                tuple((col.rpartition(" ")[0], col.rpartition(" ")[2]) for col in cols.split(", ") if col),
                "writes" in flags,
            )
        )
    return cases
