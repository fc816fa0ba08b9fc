"""Values as JSON and back, keys as text: what needs no database."""

from __future__ import annotations

import enum
import ipaddress
import json
import string
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr, TypeAdapter

from oxyde_admin.values.decode import decode_as
from oxyde_admin.values.durations import duration_text
from oxyde_admin.values.encode import encode_plain
from oxyde_admin.values.keys import RESERVED_KEYS, escape, split, unescape


class Grade(enum.Enum):
    LOW = "low"


class Inner(BaseModel):
    a: int
    when: date


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (1 << 62, 1 << 62),
        (0.1, 0.1),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (Decimal("1.500"), "1.500"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("0E-10"), "0.0000000000"),
        (Decimal("1E+5000"), "1E+5000"),
        (datetime(2031, 5, 6, 7, 8, 9), "2031-05-06T07:08:09"),
        (datetime(2031, 5, 6, 7, 8, 9, 10), "2031-05-06T07:08:09.000010"),
        (
            datetime(2031, 5, 6, 7, tzinfo=timezone(timedelta(hours=2))),
            "2031-05-06T05:00:00+00:00",
        ),
        (date(2031, 5, 6), "2031-05-06"),
        (time(7, 8), "07:08:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (ipaddress.ip_address("::1"), "::1"),
        (ipaddress.ip_network("10.0.0.0/8"), "10.0.0.0/8"),
        (Grade.LOW, "low"),
        (b"\x00\xff", "AP8="),
        (SecretStr("top"), "**********"),
        ({3, 1, 2}, [1, 2, 3]),
        ([Decimal("1.0"), None], ["1.0", None]),
        ({"a": [1, {"b": float("nan")}]}, {"a": [1, {"b": "NaN"}]}),
        (Inner(a=1, when=date(2031, 1, 1)), {"a": 1, "when": "2031-01-01"}),
    ],
)
def test_encode(value: Any, expected: Any) -> None:
    encoded = encode_plain(value)
    assert encoded == expected
    assert type(encoded) is type(expected)
    json.dumps(encoded, allow_nan=False)


@given(st.timedeltas())
def test_durations_come_back_exactly(value: timedelta) -> None:
    text = duration_text(value)
    assert TypeAdapter(timedelta).validate_python(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(0), "PT0S"),
        (timedelta(days=2, microseconds=500_000), "P2DT0.5S"),
        (timedelta(seconds=-1), "-PT1S"),
        (timedelta(days=3), "P3D"),
    ],
)
def test_durations_as_text(value: timedelta, text: str) -> None:
    assert duration_text(value) == text


@given(st.text())
def test_escapes_come_back(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    escaped = escape(text, RESERVED_KEYS)
    assert not set(escaped) & set("/\\,")
    assert not escaped.startswith(".")
    assert escaped not in RESERVED_KEYS
    assert unescape(escaped) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("options", "~6Fptions"),
        ("-", "~2D"),
        ("", "~"),
        ("a/b,c~d\\e", "a~2Fb~2Cc~7Ed~5Ce"),
        (".hidden", "~2Ehidden"),
        ("plain.text", "plain.text"),
        ("Grüße", "Grüße"),
    ],
)
def test_escapes(text: str, escaped: str) -> None:
    assert escape(text, RESERVED_KEYS) == escaped


@pytest.mark.parametrize("text", ["~z", "~4", "a~", "~~", "~FF"])
def test_broken_escapes(text: str) -> None:
    with pytest.raises(ValueError):
        unescape(text)


def test_unescape_joins_the_bytes_of_a_character() -> None:
    assert unescape("~C3~BC") == "ü"
    assert unescape("~c3~bc~2c") == "ü,"


def test_split() -> None:
    assert split("a,b~2Cc,,~,d") == ["a", "b,c", "", "d"]


@given(st.lists(st.text(string.printable)))
def test_split_is_the_opposite_of_joining(texts: list[str]) -> None:
    assert split(",".join(escape(text) for text in texts)) == texts


@pytest.mark.parametrize(
    ("value", "kind", "element", "expected"),
    [
        ("AP8=", "blob", "", b"\x00\xff"),
        (Decimal("1.50"), "decimal", "", Decimal("1.50")),
        (Decimal("0.1"), "double", "", 0.1),
        (Decimal("3.0"), "big_integer", "", 3),
        (["AA==", None], "array", "blob", [b"\x00", None]),
        ([[Decimal("0.5")]], "array", "double", [[0.5]]),
        ({"a": [Decimal("0.5")]}, "json", "", {"a": [0.5]}),
        ("x", "string", "", "x"),
    ],
)
def test_decode(value: Any, kind: str, element: str, expected: Any) -> None:
    decoded = decode_as(value, kind, element)
    assert decoded == expected
    assert type(decoded) is type(expected)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("1e999", "double"),
        (Decimal("1e999"), "double"),
        ({"a": Decimal("1e999")}, "json"),
        (Decimal("1E+1000000000"), "big_integer"),
        (Decimal("1E-1000000000"), "decimal"),
        ("?", "blob"),
        ("\u00e4", "blob"),
    ],
)
def test_decode_refuses(value: Any, kind: str) -> None:
    with pytest.raises(Exception, match=r"_encoding|finite_number"):
        decode_as(value, kind)


def test_infinities_by_name_are_left_to_the_model() -> None:
    assert decode_as("-Infinity", "double") == "-Infinity"
