"""Checkers on models with stubs: right use is accepted, each marked misuse is rejected, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkers import CHECKERS, Checker, marked

HERE = Path(__file__).resolve().parent
FILES = ("use_stubs.py", "misuse_stubs.py", "shop/models.pyi", "shop/stock.pyi")
GENERATE = """
import sys
sys.path.insert(0, sys.argv[1])
import shop.models, shop.stock
from oxyde.codegen import generate_stubs_for_models, write_stubs
for path in write_stubs(generate_stubs_for_models()):
    print(path.name)
"""


def generated(folder: Path, seed: str) -> list[str]:
    """The names of the stubs that a process of its own wrote or changed."""
    done = subprocess.run(
        [sys.executable, "-c", GENERATE, str(folder)],
        env={"PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("stubbed")
    shutil.copytree(HERE / "shop", made / "shop", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("use_stubs.py", "misuse_stubs.py"):
        shutil.copy(HERE / "usage" / name, made)
    assert generated(made, "1") == ["models.pyi", "stock.pyi"]
    return made


@CHECKERS
def test_use_is_accepted_and_misuse_rejected(checker: Checker, folder: Path) -> None:
    found = checker(folder, FILES)
    wrong = found.pop("misuse_stubs.py")
    assert {name: lines for name, lines in found.items() if lines} == {}
    expected = marked(folder / "misuse_stubs.py", checker)
    assert set(wrong) == expected, {n: wrong.get(n) for n in sorted(expected ^ set(wrong))}


def test_stubs_made_again_are_the_same_bytes(folder: Path) -> None:
    assert generated(folder, "2") == []
