"""mypy --strict and pyright accept accepted.py and reject exactly the marked lines of rejected.py."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def mypy_lines(path: Path) -> dict[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--config-file=", str(path)],
        cwd=ROOT,
        env={"MYPYPATH": str(ROOT / "python"), "PATH": "/usr/bin:/bin", "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = re.finditer(rf"^[^\n]*{re.escape(path.name)}:(\d+): error: (.*)$", done.stdout, re.M)
    elsewhere = [line for line in done.stdout.splitlines() if ": error:" in line and path.name not in line]
    assert not elsewhere, elsewhere
    return {int(match[1]): match[2] for match in found}


def pyright_lines(path: Path) -> dict[int, str]:
    command = shutil.which("pyright", path=str(Path(sys.executable).parent)) or shutil.which("pyright")
    assert command is not None, "pyright is not installed"
    config = ROOT / "build" / f"pyright-{path.stem}.json"
    config.parent.mkdir(exist_ok=True)
    # Pyright takes paths relative to the file they stand in, and skips others without a word.
    project = {
        "extraPaths": ["../python"],
        "include": [f"../{path.relative_to(ROOT)}"],
        "typeCheckingMode": "standard",
    }
    config.write_text(json.dumps(project))
    done = subprocess.run(
        [command, "--outputjson", "--pythonpath", sys.executable, "-p", str(config)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == 1, done.stdout
    found = report["generalDiagnostics"]
    errors = [item for item in found if item["severity"] == "error"]
    return {item["range"]["start"]["line"] + 1: item["message"] for item in errors}


Checker = Callable[[Path], dict[int, str]]
CHECKERS = pytest.mark.parametrize("checker", [mypy_lines, pyright_lines])


@CHECKERS
def test_right_use_is_accepted(checker: Checker) -> None:
    assert checker(HERE / "accepted.py") == {}


@CHECKERS
def test_wrong_use_is_rejected_and_nothing_else(checker: Checker) -> None:
    path = HERE / "rejected.py"
    marked = {n for n, line in enumerate(path.read_text().splitlines(), 1) if re.search(r"# wrong\b", line)}
    assert marked
    found = checker(path)
    assert set(found) == marked, found
