"""Checkers accept accepted.py and reject exactly the marked lines of rejected.py: models without stubs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from checkers import CHECKERS, Checker, marked

HERE = Path(__file__).resolve().parent
FILES = ("accepted.py", "rejected.py", "shop/models.py", "shop/stock.py", "shop/base.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("plain")
    shutil.copytree(HERE / "shop", made / "shop", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("accepted.py", "rejected.py"):
        shutil.copy(HERE / name, made)
    return made


@CHECKERS
def test_right_use_is_accepted_and_wrong_use_rejected(checker: Checker, folder: Path) -> None:
    found = checker(folder, FILES)
    wrong = found.pop("rejected.py")
    assert {name: lines for name, lines in found.items() if lines} == {}
    assert set(wrong) == marked(HERE / "rejected.py", checker), wrong
