"""The program behind `make demo` runs to its end and says how much it did."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_demo_runs_to_its_closing_line() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "examples.countries"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "nothing was lost" in done.stdout
    assert "rows/s" in done.stdout.strip().splitlines()[-1]
