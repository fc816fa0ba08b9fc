"""docs/reference/types.md says what the code does, and both say what the contract says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pydantic
import pytest

from oxyde.models._db_type import parse_db_type
from oxyde.models._types import column_type

ROOT = Path(__file__).resolve().parent.parent.parent


def _tool() -> Any:
    spec = importlib.util.spec_from_file_location("types_page", ROOT / "tools" / "types_page.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for it there
    spec.loader.exec_module(module)
    return module


TOOL = _tool()
SHOWN = dict(TOOL.ANNOTATIONS)

# The contract's table of annotations (models document, 5.1): kind, PostgreSQL, MySQL, SQLite.
CONTRACT: dict[str, tuple[str, str, str, str]] = {
    "bool": ("boolean", "BOOLEAN", "TINYINT", "INTEGER"),
    "int": ("big_integer", "BIGINT", "BIGINT", "INTEGER"),
    "PositiveInt": ("big_integer", "BIGINT", "BIGINT", "INTEGER"),
    "Literal[1, 2]": ("big_integer", "BIGINT", "BIGINT", "INTEGER"),
    "float": ("double", "DOUBLE PRECISION", "DOUBLE", "REAL"),
    "str": ("string", "VARCHAR(255)", "VARCHAR(255)", "VARCHAR(255)"),
    "Annotated[str, Field(max_length=40)]": ("string", "VARCHAR(40)", "VARCHAR(40)", "VARCHAR(40)"),
    'Literal["a", "b"]': ("text", "TEXT", "TEXT", "TEXT"),
    "HttpUrl, AnyUrl, …": ("text", "TEXT", "TEXT", "TEXT"),
    "Path": ("text", "TEXT", "TEXT", "TEXT"),
    "SecretStr": ("text", "TEXT", "TEXT", "TEXT"),
    "Annotated[SecretStr, Field(max_length=40)]": ("string", "VARCHAR(40)", "VARCHAR(40)", "VARCHAR(40)"),
    "bytes": ("blob", "BYTEA", "LONGBLOB", "BLOB"),
    "datetime": ("date_time", "TIMESTAMP", "DATETIME(6)", "TEXT"),
    "NaiveDatetime": ("date_time", "TIMESTAMP", "DATETIME(6)", "TEXT"),
    "AwareDatetime": ("date_time_utc", "TIMESTAMPTZ", "DATETIME(6)", "TEXT"),
    "date": ("date", "DATE", "DATE", "TEXT"),
    "time": ("time", "TIME", "TIME(6)", "TEXT"),
    "timedelta": ("timedelta", "BIGINT", "BIGINT", "BIGINT"),
    "UUID": ("uuid", "UUID", "CHAR(36)", "TEXT"),
    "Decimal": ("decimal", "NUMERIC", "DECIMAL(65,30)", "TEXT"),
    "Annotated[Decimal, Field(max_digits=8, decimal_places=2)]": (
        "decimal", "NUMERIC(8,2)", "DECIMAL(8,2)", "TEXT",
    ),
    "Annotated[Decimal, Field(max_digits=8)]": ("decimal", "NUMERIC(8,0)", "DECIMAL(8,0)", "TEXT"),
    "Annotated[Decimal, Field(decimal_places=2)]": ("decimal", "NUMERIC", "DECIMAL(65,2)", "TEXT"),
    "class Hull(Enum) with the values new, old": ("enum", '"hull_enum"', "ENUM('new','old')", "TEXT"),
    "IPv4Address, IPv6Address": ("inet", "INET", "VARCHAR(49)", "TEXT"),
    "IPv4Interface, IPv6Interface": ("inet", "INET", "VARCHAR(49)", "TEXT"),
    "IPv4Network, IPv6Network": ("cidr", "CIDR", "VARCHAR(49)", "TEXT"),
    "list[int]": ("array", "BIGINT[]", "JSON", "TEXT"),
    "list[list[float]]": ("array", "DOUBLE PRECISION[][]", "JSON", "TEXT"),
    "list[Annotated[str, Field(max_length=50)]]": ("array", "VARCHAR(50)[]", "JSON", "TEXT"),
    "set[str]": ("array", "VARCHAR(255)[]", "JSON", "TEXT"),
    "frozenset[Hull]": ("array", '"hull_enum"[]', "JSON", "TEXT"),
    "tuple[date, ...]": ("array", "DATE[]", "JSON", "TEXT"),
    "list[dict]": ("array", "JSONB[]", "JSON", "TEXT"),
    "dict": ("json", "JSONB", "JSON", "TEXT"),
    "TypedDict": ("json", "JSONB", "JSON", "TEXT"),
    "a dataclass": ("json", "JSONB", "JSON", "TEXT"),
    "a Pydantic model": ("json", "JSONB", "JSON", "TEXT"),
    "list[a Pydantic model]": ("json", "JSONB", "JSON", "TEXT"),
    "list": ("json", "JSONB", "JSON", "TEXT"),
    "tuple[int, str]": ("json", "JSONB", "JSON", "TEXT"),
    "Any": ("json", "JSONB", "JSON", "TEXT"),
    "int | float": ("double", "DOUBLE PRECISION", "DOUBLE", "REAL"),
    "int | Decimal": ("decimal", "NUMERIC", "DECIMAL(65,30)", "TEXT"),
    "int | str": ("json", "JSONB", "JSON", "TEXT"),
    "re.Pattern, by its JSON schema": ("text", "TEXT", "TEXT", "TEXT"),
}  # fmt: skip

# The contract's names of db_type (5.2).
NAMES: dict[str, str] = {
    "big_integer": "INT INTEGER BIGINT SMALLINT TINYINT SERIAL BIGSERIAL SMALLSERIAL INT2 INT4 INT8",
    "double": "FLOAT DOUBLE REAL FLOAT4 FLOAT8 DOUBLE_PRECISION",
    "boolean": "BOOL BOOLEAN",
    "text": "TEXT STR",
    "string": "VARCHAR(9) CHAR(9)",
    "uuid": "UUID",
    "json": "JSON",
    "json_binary": "JSONB",
    "date_time": "DATETIME TIMESTAMP",
    "date_time_utc": "TIMESTAMPTZ TIMESTAMP_WITH_TIME_ZONE",
    "date": "DATE",
    "time": "TIME TIMETZ",
    "blob": "BYTES BYTEA BLOB",
    "decimal": "DECIMAL NUMERIC DECIMAL(9) NUMERIC(9,2)",
    "timedelta": "TIMEDELTA",
    "interval": "INTERVAL",
    "inet": "INET",
    "cidr": "CIDR",
}


def test_the_page_is_up_to_date() -> None:
    assert TOOL.page(TOOL.PAGE.read_text()) == TOOL.PAGE.read_text(), "run python tools/types_page.py"


def test_the_page_shows_the_whole_contract() -> None:
    assert list(SHOWN) == list(CONTRACT)


@pytest.mark.parametrize("name", CONTRACT)
def test_each_annotation_has_the_column_of_the_contract(name: str) -> None:
    kind, types = TOOL.column_of(SHOWN[name])
    postgres, mysql, sqlite = CONTRACT[name][1:]
    assert kind == CONTRACT[name][0]
    assert types == {"PostgreSQL": postgres, "MySQL": mysql, "MariaDB": mysql, "SQLite": sqlite}


def test_an_integer_key_counts_by_itself() -> None:
    _, types = TOOL.column_of(int, db_pk=True)
    assert types["PostgreSQL"] == "BIGSERIAL"
    assert column_type(pydantic.EmailStr, (), None, "M.f").kind == "text"


@pytest.mark.parametrize("kind", NAMES)
def test_each_name_of_db_type_has_the_kind_of_the_contract(kind: str) -> None:
    for name in NAMES[kind].split():
        for spelled in (
            name.replace("_", " "),
            name.replace("_", " ").lower(),
            f" {name.replace('_', '  ')} ",
        ):
            parsed = parse_db_type(spelled)
            assert parsed is not None and parsed.kind == kind, spelled
            listed = parse_db_type(f"{spelled}[]")
            assert listed is not None and (listed.kind, listed.elem) == ("array", kind)


def test_no_name_of_db_type_is_beyond_the_contract() -> None:
    listed = {name.replace("_", " ").partition("(")[0] for names in NAMES.values() for name in names.split()}
    assert set(TOOL._NAMES) == listed


@pytest.mark.parametrize(
    ("db_type", "sqlite", "mysql"),
    [
        ("SERIAL", "INTEGER", "INT"),
        ("bigserial", "INTEGER", "BIGINT"),
        ("My Type(3)", "My Type(3)", "My Type(3)"),
    ],
)
def test_a_db_type_is_taken_word_for_word_but_for_serials(db_type: str, sqlite: str, mysql: str) -> None:
    _, types = TOOL.column_of(int, db_type=db_type)
    assert types == {"PostgreSQL": db_type, "MySQL": mysql, "MariaDB": mysql, "SQLite": sqlite}
