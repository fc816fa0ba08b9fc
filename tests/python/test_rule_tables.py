"""The tables of rules and their tests (docs/internals/*-rules.md) name tests that exist.

A row ends with its tests: `test_models_meta.py::test_columns`, several with a comma between them. A
file without a folder lies in tests/python, others are named from the root of the repository; a golden
case or another file of its own is named without `::`.
"""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted((ROOT / "docs" / "internals").glob("*-rules.md"))
NAMED = re.compile(r"`([^`\s]+\.\w+)(?:::(\w+))?`")


class Row(NamedTuple):
    """A line of a table: where it stands, the rule's words, the tests."""

    line: int
    rule: str
    tests: str


def rows(text: str) -> list[Row]:
    """The rows of all tables of a page, without their heads."""
    found: list[Row] = []
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        follower = lines[number] if number < len(lines) else ""
        if not line.startswith("|") or _is_rule(line) or _is_rule(follower):
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        found.append(Row(number, " | ".join(cells[:-1]), cells[-1]))
    return found


def _is_rule(line: str) -> bool:
    return bool(re.fullmatch(r"\|[\s|:-]+", line))


@functools.cache
def names(file: Path) -> frozenset[str]:
    """The test functions of a Python file."""
    tree = ast.parse(file.read_text())
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    )


def wrong(row: Row) -> list[str]:
    """What a row says that is not so."""
    named = NAMED.findall(row.tests)
    if not named:
        return [f"line {row.line}: no test for {row.rule!r}"]
    found = []
    for file, name in named:
        path = ROOT / (file if "/" in file else f"tests/python/{file}")
        if not path.is_file():
            found.append(f"line {row.line}: there is no file {file}")
        elif name and name not in _known(path):
            found.append(f"line {row.line}: there is no {name} in {file}")
        elif not name and path.suffix == ".py":
            found.append(f"line {row.line}: which test of {file}?")
    return found


def _known(path: Path) -> frozenset[str]:
    """C tests are functions too, of a language that is not parsed here."""
    if path.suffix == ".py":
        return names(path)
    return frozenset(re.findall(r"\b(\w+)\(", path.read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_named_test_exists(page: Path) -> None:
    found = rows(page.read_text())
    assert found, "a page of rules has a table"
    assert [line for row in found for line in wrong(row)] == []


def test_what_is_wrong_is_found() -> None:
    here = Path(__file__).name
    good, missing, nameless, nothing = rows(
        "# Rules\n\n| rule | test |\n|---|---|\n"
        f"| a \\| b | `{here}::test_what_is_wrong_is_found` |\n"
        f"| c | `{here}::test_that_is_not_there`, `test_no_such_file.py::test_x` |\n"
        f"| d | `{here}` |\n"
        "| e | |\n"
    )
    assert wrong(good) == []
    assert wrong(missing) == [
        f"line 6: there is no test_that_is_not_there in {here}",
        "line 6: there is no file test_no_such_file.py",
    ]
    assert wrong(nameless) == [f"line 7: which test of {here}?"]
    assert wrong(nothing) == ["line 8: no test for 'e'"]
