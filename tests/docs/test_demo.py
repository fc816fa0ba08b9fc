"""The program behind `make demo` runs to its end and says how much it did."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import servers

ROOT = Path(__file__).resolve().parent.parent.parent


def run_demo(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "examples.countries", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "nothing was lost" in done.stdout
    assert "rename column crate.kg to weight_kg" in done.stdout
    assert "the row is there: weight_kg=12, state='new'" in done.stdout
    assert "rows/s" in done.stdout.strip().splitlines()[-1]


def test_demo_runs_to_its_closing_line() -> None:
    run_demo()


@pytest.mark.parametrize("name", [name for name in servers.chosen() if name != "sqlite"])
def test_demo_runs_on_servers_and_leaves_nothing(name: str) -> None:
    with servers.fresh_database(name) as database:
        run_demo("--database", database.url)
        schema = "public" if name == "postgres" else database.database
        left = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
        assert database.rows(left, (schema,)) == []
