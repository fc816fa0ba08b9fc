"""The golden cases cover the query tree: every node, function, aggregate and part has one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
HEADER = (ROOT / "core" / "include" / "oxyde" / "query.h").read_text()
CASES = [path.read_text() for path in sorted((ROOT / "core" / "tests" / "golden").rglob("*.case"))]
QUERIES = "\n".join(
    found for text in CASES for found in re.findall(r"^query\s+(.*(?:\n[ \t].*)*)", text, re.MULTILINE)
)

# Each kind of node, and a form of the notation (core/tests/golden/README.md) that makes one.
NODES = {
    "COLUMN": r"\bweight\b",
    "NAMED": r"\bh\.depot_id\b",
    "PARAM": r"\(= ref \"",
    "PARAMS": r"\(in weight 1 2 3\)",
    "NUL": r"\(null\)",
    "BOOL": r"\b(true|false)\b",
    "STAR": r"\(Count \*",
    "ALIAS": r"\(alias \w",
    "EXCLUDED": r"\(excluded \w",
    "DEFAULT": r"\(default\)",
    "UNARY": r"\((isnull|notnull|neg) ",
    "BINARY": r"\(\+ ",
    "LOGIC": r"\((and|or) ",
    "NOT": r"\(not ",
    "BETWEEN": r"\(between ",
    "IN": r"\((in|not-in) ",
    "MATCH": r"\(icontains ",
    "FUNC": r"\(Lower ",
    "AGG": r"\(Sum ",
    "CASE": r"\(case \(when",
    "CAST": r"\(cast ",
    "EXTRACT": r"\(extract ",
    "JSON_PATH": r"\(path-text ",
    "CONTAINER": r"\(has-key ",
    "SUBQUERY": r"\(scalar \(select",
    "EXISTS": r"\(exists \(select",
    "TUPLE": r"\(tuple ",
    "WINDOW": r"\(window ",
    "RAW": r"\(raw \"",
}


def listed(name: str) -> list[tuple[str, str]]:
    """The rows of an X-macro of the header: name and, where there is one, the word of the notation."""
    start = HEADER.index(f"#define OXY_{name}_LIST")
    return re.findall(r'\bX\((\w+)(?:, "(\w+)")?\)', HEADER[start : HEADER.index("typedef", start)])


def test_every_kind_of_node_is_in_the_table() -> None:
    assert {name for name, _ in listed("EXPR")} == set(NODES)


@pytest.mark.parametrize("node", NODES)
def test_every_node_has_a_case(node: str) -> None:
    assert re.search(NODES[node], QUERIES)


@pytest.mark.parametrize("name", ["FN", "AGG"])
def test_every_function_has_a_case(name: str) -> None:
    assert [word for _, word in listed(name) if not re.search(rf"\({word}\b", QUERIES)] == []


def test_every_part_has_a_case() -> None:
    parts = [word for _, word in listed("PART")]
    assert [word for word in parts if not re.search(rf"\(extract {word} ", QUERIES)] == []


def test_there_are_enough_cases() -> None:
    names = [name for text in CASES for name in re.findall(r"^case\s+(\S+)", text, re.MULTILINE)]
    assert len(names) >= 400
