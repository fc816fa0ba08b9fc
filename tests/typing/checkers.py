"""mypy, pyright and ty over the files of a folder: the lines each of them finds fault with."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "python"

Findings = dict[str, dict[int, str]]
"""File (below the folder) to line to message; a file without findings is there with none."""


def _run(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def _tool(name: str) -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not installed: scripts/setup dev", pytrace=False)
    return found


def _lines(output: str, pattern: str, files: Iterable[str]) -> Findings:
    found: Findings = {name: {} for name in files}
    for match in re.finditer(pattern, output, re.M):
        # A finding elsewhere, in the package say, is one all the same.
        found.setdefault(match[1], {})[int(match[2])] = match[3]
    return found


def _mypy(folder: Path, files: Iterable[str], *options: str) -> Findings:
    command = [sys.executable, "-m", "mypy", "--config-file=", "--no-error-summary", "--hide-error-context"]
    output = _run([*command, *options, *files], folder, MYPYPATH=f"{PACKAGE}:{folder}")
    return _lines(output, r"^([^:\n]+):(\d+): error: (.*)$", files)


def mypy(folder: Path, files: Iterable[str]) -> Findings:
    return _mypy(folder, files)


def mypy_strict(folder: Path, files: Iterable[str]) -> Findings:
    return _mypy(folder, files, "--strict")


def pyright(folder: Path, files: Iterable[str]) -> Findings:
    project = {"extraPaths": [str(PACKAGE)], "include": list(files), "typeCheckingMode": "standard"}
    config = folder / "pyrightconfig.json"
    config.write_text(json.dumps(project))
    command = [_tool("pyright"), "--outputjson", "--pythonpath", sys.executable, "-p", str(config)]
    report = json.loads(_run(command, folder))
    assert report["summary"]["filesAnalyzed"] == len(list(files)), report
    found: Findings = {name: {} for name in files}
    for item in report["generalDiagnostics"]:
        if item["severity"] == "error":
            name = os.path.relpath(item["file"], folder)
            found.setdefault(name, {})[item["range"]["start"]["line"] + 1] = item["message"]
    return found


def ty(folder: Path, files: Iterable[str]) -> Findings:
    command = [_tool("ty"), "check", "--output-format", "concise", "--extra-search-path", str(PACKAGE)]
    output = _run([*command, "--python", str(Path(sys.executable).parent.parent), *files], folder)
    return _lines(output, r"^([^:\n]+):(\d+):\d+: error(.*)$", files)


Checker = Callable[[Path, Iterable[str]], Findings]
CHECKERS = pytest.mark.parametrize("checker", [mypy, mypy_strict, pyright, ty])


def marked(path: Path, checker: Checker) -> set[int]:
    """The lines of a file that say `# wrong`; `# wrong (ty ...)` says why ty accepts it."""
    found = set()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        mark = re.search(r"# wrong\b(?: \((\w+))?", line)
        if mark is not None and mark[1] != checker.__name__:
            found.add(number)
    assert found, f"{path.name} marks no line"
    return found
