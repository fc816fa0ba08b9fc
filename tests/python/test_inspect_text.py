"""When two expressions are one, as far as words tell; and two names of types."""

from __future__ import annotations

import pytest

from oxyde.migrations.live._printed import same_type
from oxyde.migrations.live._text import same_expression, same_loosely


@pytest.mark.parametrize(
    ("dialect", "one", "other", "same"),
    [
        ("sqlite", "kg > 0", '( "KG">0 )', True),
        ("sqlite", "(a) > (b)", "a) > (b", False),
        ("postgres", '"Kg" > 0', "kg > 0", False),
        ("postgres", "a != 'X'", "A <> 'X'", True),
        ("postgres", "a <> 'X'", "a <> 'x'", False),
        ("mysql", "`a` = 'it\\'s'", "a = 'it\\'s'", True),
    ],
)
def test_spelling_is_no_difference(dialect: str, one: str, other: str, same: bool) -> None:
    assert same_expression(one, other, dialect) is same
    assert same_expression(other, one, dialect) is same


@pytest.mark.parametrize(
    ("dialect", "printed", "written", "same"),
    [
        ("postgres", "((n > (0)::double precision) AND (label <> ''::text))", "n > 0 AND label <> ''", True),
        ("postgres", "(n > (0)::double precision)", "n > 1", False),
        ("mysql", "((`n` > 0) and (`label` <> _utf8mb4''))", "n > 0 AND label <> ''", True),
    ],
)
def test_what_a_server_adds_counts_for_nothing_if_it_cannot_be_asked(
    dialect: str, printed: str, written: str, same: bool
) -> None:
    assert same_loosely(printed, written, dialect) is same


@pytest.mark.parametrize(
    ("backend", "live", "ours", "same"),
    [
        ("postgres", "timestamp(3) with time zone", "TIMESTAMPTZ(3)", True),
        ("postgres", "bigint[]", "INT8[][]", True),
        ("postgres", "character varying(20)", "VARCHAR(21)", False),
        ("mysql", "int(11) unsigned", "INTEGER UNSIGNED", True),
        ("mysql", "decimal(10,0)", "NUMERIC", True),
        ("mysql", "enum('a','b')", "ENUM('a', 'c')", False),
        ("sqlite", "NUMERIC(6, 2)", "numeric(6, 2)", True),
    ],
)
def test_types_by_any_of_their_names(backend: str, live: str, ours: str, same: bool) -> None:
    assert same_type(live, ours, backend) is same
