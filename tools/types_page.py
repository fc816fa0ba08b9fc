"""Writes the tables of docs/reference/types.md from what the package does.

`python tools/types_page.py` rewrites the page, `--check` says whether it is up to date. The text
between the tables is written by hand; a table stands between `<!-- name -->` and `<!-- end -->`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import ipaddress
import pathlib
import re
import sys
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from typing_extensions import TypedDict

from oxyde import Field, Model, _core
from oxyde.db.schema import describe_tables
from oxyde.models._db_type import _NAMES
from oxyde.models.registry import unregister_table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "types.md"
SERVERS = {"PostgreSQL": "postgres", "MySQL": "mysql", "MariaDB": "mariadb", "SQLite": "sqlite"}


class Hull(enum.Enum):
    """An enumeration of text."""

    NEW = "new"
    OLD = "old"


class Position(pydantic.BaseModel):
    """A sub-model."""

    x: int


@dataclasses.dataclass
class Point:
    """A dataclass."""

    x: int


class Row(TypedDict):
    """A TypedDict."""

    x: int


ANNOTATIONS: list[tuple[str, Any]] = [
    ("bool", bool),
    ("int", int),
    ("PositiveInt", pydantic.PositiveInt),
    ("Literal[1, 2]", Literal[1, 2]),
    ("float", float),
    ("str", str),
    ("Annotated[str, Field(max_length=40)]", Annotated[str, Field(max_length=40)]),
    ('Literal["a", "b"]', Literal["a", "b"]),
    ("HttpUrl, AnyUrl, …", pydantic.HttpUrl),
    ("Path", pathlib.Path),
    ("SecretStr", pydantic.SecretStr),
    ("Annotated[SecretStr, Field(max_length=40)]", Annotated[pydantic.SecretStr, Field(max_length=40)]),
    ("bytes", bytes),
    ("datetime", dt.datetime),
    ("NaiveDatetime", pydantic.NaiveDatetime),
    ("AwareDatetime", pydantic.AwareDatetime),
    ("date", dt.date),
    ("time", dt.time),
    ("timedelta", dt.timedelta),
    ("UUID", uuid.UUID),
    ("Decimal", Decimal),
    (
        "Annotated[Decimal, Field(max_digits=8, decimal_places=2)]",
        Annotated[Decimal, Field(max_digits=8, decimal_places=2)],
    ),
    ("Annotated[Decimal, Field(max_digits=8)]", Annotated[Decimal, Field(max_digits=8)]),
    ("Annotated[Decimal, Field(decimal_places=2)]", Annotated[Decimal, Field(decimal_places=2)]),
    ("class Hull(Enum) with the values new, old", Hull),
    ("IPv4Address, IPv6Address", ipaddress.IPv4Address),
    ("IPv4Interface, IPv6Interface", ipaddress.IPv6Interface),
    ("IPv4Network, IPv6Network", ipaddress.IPv4Network),
    ("list[int]", list[int]),
    ("list[list[float]]", list[list[float]]),
    ("list[Annotated[str, Field(max_length=50)]]", list[Annotated[str, Field(max_length=50)]]),
    ("set[str]", set[str]),
    ("frozenset[Hull]", frozenset[Hull]),
    ("tuple[date, ...]", tuple[dt.date, ...]),
    ("list[dict]", list[dict]),  # type: ignore[type-arg]
    ("dict", dict),
    ("TypedDict", Row),
    ("a dataclass", Point),
    ("a Pydantic model", Position),
    ("list[a Pydantic model]", list[Position]),
    ("list", list),
    ("tuple[int, str]", tuple[int, str]),
    ("Any", Any),
    ("int | float", int | float),
    ("int | Decimal", int | Decimal),
    ("int | str", int | str),
    ("re.Pattern, by its JSON schema", re.Pattern),
]


def column_of(annotation: Any, **arguments: Any) -> tuple[str, dict[str, str]]:
    """The kind of a field, and its column's type on each server."""
    namespace = {
        "__module__": __name__,
        "__annotations__": {"f": annotation},
        "f": Field(**arguments),
        "Meta": type("Meta", (), {"is_table": True, "table_name": "t"}),
    }
    model: Any = type("Shown", (Model,), namespace)
    unregister_table(model)
    tables = describe_tables([model])
    found: dict[str, str] = {}
    for name, flavor in SERVERS.items():
        statement = _core.ddl_create(tables, flavor, False)[-1]
        match = re.search(r'\((?:"f"|`f`) (.*?)(?: NOT NULL| PRIMARY KEY|, PRIMARY KEY).*\)$', statement)
        assert match is not None, statement
        found[name] = match[1]
    return model._db_meta.field_metadata["f"].column_type.kind, found


def _code(text: str) -> str:
    escaped = text.replace("|", "\\|")
    return f"`{escaped}`"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def annotations() -> str:
    """Annotation -> kind and column types."""
    lines = [_row(["Annotation", "Kind", *SERVERS]), _row(["---"] * (2 + len(SERVERS)))]
    for name, annotation in ANNOTATIONS:
        kind, types = column_of(annotation)
        lines.append(_row([_code(name), _code(kind), *(_code(types[server]) for server in SERVERS)]))
    return "".join(lines)


def names() -> str:
    """Names of `db_type` -> kind."""
    by_kind: dict[str, list[str]] = {}
    for name, kind in _NAMES.items():
        by_kind.setdefault(kind, []).append(name)
    lines = [_row(["Names", "Kind"]), _row(["---", "---"])]
    lines += [_row([", ".join(map(_code, found)), _code(kind)]) for kind, found in by_kind.items()]
    return "".join(lines)


def page(text: str) -> str:
    """The page with its tables made anew."""
    for name, table in (("annotations", annotations()), ("names", names())):
        text, count = re.subn(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)",
            lambda match, table=table: f"{match[1]}\n{table}\n{match[2]}",
            text,
            flags=re.DOTALL,
        )
        assert count == 1, f"{PAGE.name} has no place for {name}"
    return text


def main() -> int:
    """Rewrites the page, or compares it."""
    text = PAGE.read_text(encoding="utf-8")
    made = page(text)
    if "--check" in sys.argv[1:]:
        if made != text:
            print(f"{PAGE} is out of date; run python tools/types_page.py")
        return int(made != text)
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
