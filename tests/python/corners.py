"""Models with every kind of column, default, check and key that the databases print in words of their own."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime

from oxyde import Check, Field, Index, Model


class CornerState(str, Enum):
    NEW = "new"
    WORN = "it's worn"
    BACK = "back\\slash"


class Plain(Model):
    """Every kind, without and with a default of Python's."""

    id: int | None = Field(default=None, db_pk=True)
    flag: bool
    flag_on: bool = True
    whole: int = -7
    real: float = 1.5
    text: str = "it's"
    short: str = Field(default="", max_length=10)
    long: Literal["a", "b"] = "a"
    raw: bytes = b"\x00\xff"
    at: datetime = datetime(2020, 1, 2, 3, 4, 5)
    exact: datetime = datetime(2020, 1, 2, 3, 4, 5, 678)
    aware: AwareDatetime | None = None
    day: date = date(2020, 2, 29)
    clock: time = time(1, 2, 3)
    span: timedelta = timedelta(seconds=1)
    key: UUID = UUID("12345678-1234-5678-1234-567812345678")
    money: Decimal = Field(default=Decimal("1.50"), max_digits=8, decimal_places=2)
    free: Decimal = Decimal("0")
    data: dict[str, Any] = Field(default={"a": [1, 2]})
    state: CornerState = CornerState.WORN
    states: list[CornerState] = Field(default_factory=list)
    back: CornerState | None = CornerState.BACK
    numbers: list[int] = Field(default=[1, 2])
    words: list[Annotated[str, Field(max_length=20)]] = Field(default_factory=list)
    amounts: list[Decimal] = Field(default_factory=list)
    matrix: list[list[int]] = Field(default_factory=list)
    host: IPv4Address = IPv4Address("10.0.0.1")
    net: IPv4Network | None = None

    class Meta:
        is_table = True
        table_name = "corner_plain"
        comment = "it's all plain"


class Said(Model):
    """Defaults and types in SQL."""

    id: int | None = Field(default=None, db_pk=True, db_type="SERIAL")
    made: datetime = Field(db_default="CURRENT_TIMESTAMP", db_comment="when; 'quoted'")
    also: datetime = Field(db_default="current_timestamp")
    number: int = Field(db_default="(1 + 1)", db_type="INTEGER")
    small: int = Field(db_default="3", db_type="SMALLINT")
    char: str = Field(db_type="CHAR(3)", db_default="'abc'")
    text: str = Field(db_type="TEXT", db_default="'long'")
    money: Decimal = Field(db_type="DECIMAL(10)", db_default="0.0")
    on: bool = Field(db_default="TRUE")
    real: float = Field(db_type="DOUBLE PRECISION", db_default="1e3")
    words: str = Field(db_default="'a b ( c'")
    nothing: str | None = Field(db_default="NULL")

    class Meta:
        is_table = True
        table_name = "corner_said"


class Checked(Model):
    """Expressions that servers write anew."""

    id: int | None = Field(default=None, db_pk=True)
    kg: float = 0
    n: int = Field(default=0, db_unique=True)
    label: str = ""
    state: str | None = None
    plain: Plain = Field(db_on_delete="CASCADE")
    said: Said | None = Field(default=None, db_unique=True, db_on_delete="SET NULL", db_on_update="NO ACTION")
    parent: Checked | None = None

    class Meta:
        is_table = True
        table_name = "corner_checked"
        indexes = [
            Index(("n", "kg")),
            Index(("kg",), name="by_weight", unique=True),
            Index(("plain",), name="by_plain"),
            Index(("label",), method="btree"),
        ]
        unique_together = [("label", "state"), ("plain", "said")]
        constraints = [
            Check("kg > 0"),
            Check("label IN ('a', 'b''s') OR label LIKE 'x%'", name="some_labels"),
            Check("n BETWEEN 1 AND 10 AND NOT (n = 5)", name="some_numbers"),
            Check("state IS NULL OR (state != label AND length(state) < 9)"),
        ]


class Part(Model):
    """A key of two columns, in another order than theirs, that others refer to."""

    number: int = Field(db_pk=True)
    plain: Plain = Field(db_pk=True)
    note: str | None = None

    class Meta:
        is_table = True
        table_name = "corner_part"


class Piece(Model):
    """Refers to a key of two columns; its names need care."""

    code: str = Field(db_pk=True, max_length=8)
    part: Part = Field(db_on_delete="CASCADE")
    class_: int = Field(default=0, db_column="class")
    odd: str | None = Field(default=None, db_column="odd name", db_index=True)
    copy_: int | None = Field(default=None, db_column="copy")

    class Meta:
        is_table = True
        table_name = "corner_piece"


class Late(Model):
    """An index of some of the rows, where there are such."""

    id: UUID = Field(db_pk=True)
    kg: float | None = None
    label: str = Field(default="", db_index=True)

    class Meta:
        is_table = True
        table_name = "corner_late"
        indexes = [Index(("kg",), name="heavy", where="kg > 100 AND label <> 'x'")]
