"""The engine's reader of JSON makes of a document what pydantic_core.from_json makes of it, or nothing;
and what it makes nothing of is read, or refused, as before."""

from __future__ import annotations

import gc
import json
import math
import random
import struct
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic_core import from_json

from oxyde import DataError, Field, Model, _core, create_tables, db, execute_raw

THOROUGHLY = settings(max_examples=600, deadline=None)


def _exactly(value: Any) -> Any:
    """A value with its types, the order of its keys and the bits of its floats."""
    if isinstance(value, dict):
        return [(_exactly(key), _exactly(item)) for key, item in value.items()], type(value)
    if isinstance(value, list):
        return [_exactly(item) for item in value], type(value)
    return struct.pack("d", value) if isinstance(value, float) else value, type(value)


def _check(texts: list[bytes]) -> list[bool]:
    """Whether each was read; all of them as documents of one column."""
    results = _core.read_json(texts)
    for text, found in zip(texts, results, strict=True):
        if found is not None:
            assert _exactly(found[0]) == _exactly(from_json(text)), text
    return [found is not None for found in results]


# --- documents ------------------------------------------------------------------------------

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(-1000, 1000, places=3).map(float)
    | st.text()
    | st.text("ab", max_size=3)
)
KEYS = st.sampled_from(["a", "b", "_c", "name", "größe", "a longer key than two words", ""]) | st.text()
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=40,
)


@THOROUGHLY
@given(VALUES, st.booleans(), st.sampled_from([None, 0, 1]), st.booleans())
def test_what_python_writes_is_read(value: Any, ascii_only: bool, indent: int | None, tight: bool) -> None:
    separators = (",", ":") if tight else None
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=separators)
    assert _check([text.encode("utf-8", "surrogatepass")] * 3) in ([True] * 3, [False] * 3)
    if len(text) < 60 and "\\" not in text:
        assert _check([text.encode()]) == [True]


@settings(THOROUGHLY, max_examples=200)
@given(st.lists(VALUES, min_size=1, max_size=4), st.lists(st.integers(0, 3), min_size=1, max_size=120))
def test_documents_of_one_column_do_not_mix(values: list[Any], order: list[int]) -> None:
    """Whatever was learned from earlier ones."""
    texts = [json.dumps({"is": value, "was": [value], "n": n}).encode() for n, value in enumerate(values)]
    assert _core.read_json([texts[i % len(texts)] for i in order]) == [
        (from_json(texts[i % len(texts)]),) for i in order
    ]


PIECES = st.sampled_from(
    [
        *'{}[],:"\\ \n\t\r',
        *"0123456789",
        "-",
        "+",
        ".",
        "e",
        "E",
        "null",
        "true",
        "false",
        "NaN",
        "Infinity",
        '"a"',
        '"a":',
        '{"a":1',
        '{"a":',
        "\\u",
        "\\ud83d",
        "\\ude00",
        "\\u0000",
        "\\n",
        "\\x",
        "00",
        "1e400",
        "1e-400",
        "\x00",
        "\x0b",
        "\x1f",
        "\x7f",
        "\ufeff",
        "é",
        "😀",
        "a",
        "12345678",
        "123456789012345678",
        "nul",
        "/",
    ]
)
PATCHES = st.tuples(st.integers(0, 200), st.integers(0, 3), st.binary(max_size=2))


@settings(THOROUGHLY, max_examples=1000)
@given(st.lists(PIECES, max_size=14).map("".join))
@example("")
@example(" ")
@example("[" * 200 + "]" * 200)
@example('{"a": 1, "a": 2}')
@example('{"a": 1} x')
def test_pieces_of_json_are_read_alike_or_left(text: str) -> None:
    """With what was learned from itself, too."""
    _check([text.encode("utf-8", "surrogatepass")] * 2)
    _check([b'{"a": 1}', text.encode("utf-8", "surrogatepass")] * 2)


@settings(THOROUGHLY, max_examples=800)
@given(VALUES, st.lists(PATCHES, min_size=1, max_size=3))
def test_damaged_documents_are_read_alike_or_left(value: Any, patches: list[tuple[int, int, bytes]]) -> None:
    whole = text = json.dumps({"a": value, "b": {"c": value}}, ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )
    for place, length, put in patches:
        at = place % (len(text) + 1)
        text = text[:at] + put + text[at + length :]
    _check([whole, text, whole, text])


def test_every_beginning_of_a_document() -> None:
    text = '{"a": [1, -2.5e3, true, null], "größe": {"x\\u00e9\\n": "ünal 12345678", "y": false}}'.encode()
    whole = [text] * 3
    for end in range(len(text)):
        assert _check([*whole, text[:end]]) == [True, True, True, False]


# --- single values -----------------------------------------------------------------------------

NUMBERS = [
    *("0", "-0", "0.0", "-0.0", "1", "-1", "12345678", "123456789", "-12345678", "999999999999999999"),
    *("1000000000000000000", "9223372036854775807", "9223372036854775808", "-9223372036854775808"),
    *(
        "-9223372036854775809",
        "123456789012345678901234567890",
        "1" * 60,
        "1E5",
        "1e+5",
        "1e-5",
        "0e0",
        "0.1",
    ),
    *("0.30000000000000004", "123456789012345.6", "1234567890123456.7", "9007199254740993.0", "1e22", "1e23"),
    *("5e-324", "2.2250738585072011e-308", "1.7976931348623157e308", "1e308", "1e309", "-1e400", "1e-400"),
    *(
        "8.5e22",
        "999999999999999e22",
        "0.000000000000000000000001",
        "1e0000",
        "123e-22",
        "100000000000000e-22",
    ),
    *(
        "1e9999",
        "1e-9999",
        "0.00000000000000000000000000000000000000000000000012345",
        "179769313486231580793e289",
    ),
]


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_are_read_to_the_last_bit(number: str) -> None:
    for text in (number, f" {number}\n", f"[{number}]", f"[{number},{number} ]", f'{{"a":{number}}}'):
        assert _check([text.encode()]) == [True], text


@THOROUGHLY
@given(st.from_regex(r"\A-?[0-9]{1,22}(\.[0-9]{0,20})?([eE][+-]?[0-9]{0,3})?\Z"))
def test_anything_like_a_number(number: str) -> None:
    _check([number.encode(), f"[{number}]".encode()])


def test_many_floats_are_read_to_the_last_bit() -> None:
    drawn = random.Random(7)
    bits = [struct.unpack("d", drawn.randbytes(8))[0] for _ in range(20_000)]
    numbers = [repr(number) for number in bits if math.isfinite(number)]
    numbers += [f"{drawn.uniform(-1e6, 1e6):.{drawn.randrange(12)}f}" for _ in range(20_000)]
    assert _check([f"[{', '.join(numbers)}]".encode()]) == [True]


WORDS = [
    "",
    "a",
    "é",
    "ab",
    "é" * 8,
    "é" * 9,
    "漢",
    "😀",
    "/",
    "\x7f",
    "\x80",
    *("x" * n for n in range(6, 35)),
]


@pytest.mark.parametrize("escape", [False, True])
def test_texts_of_every_width_and_length(escape: bool) -> None:
    for word in (*WORDS, *(word + "é" for word in WORDS), *("😀" + word for word in WORDS)):
        text = json.dumps([word, {word: word}], ensure_ascii=escape).encode()
        assert _check([text, text]) == [True, True]
        assert _check([text[:1] + text[-1:], b'"' + b"\\u0000" * 700 + b'"']) == [True, True]


LEFT = [
    *(b"NaN", b"Infinity", b"-Infinity", b'"\\ud800"', b'"\\ud800\\u0041"', b'"\\udc00\\ud800"', b'"\\ud83d'),
    *(
        b"",
        b" ",
        b"\xef\xbb\xbf1",
        b'"\x01"',
        b'"\\\x01"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'{"\xff": 1}',
        b"nul",
    ),
    *(
        b"1 2",
        b"[1 2]",
        b"[1,]",
        b'{"a":1,}',
        b"{,}",
        b"[,]",
        b'{"a"}',
        b'{"a":}',
        b"{1:2}",
        b"01",
        b"-",
        b"1.",
    ),
    *(b"--1", b"-01", b"1e", b"1e+", b".5", b"+1", b"'a'", b'"\\x41"', b'"\\u12"', b'"\\', b"\x00", b"1\x00"),
    *(
        b"[" * 200 + b"]" * 200,
        b'{"a":' * 200 + b"1" + b"}" * 200,
        b"1" * 70,
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ),
]


@pytest.mark.parametrize("text", LEFT, ids=lambda text: repr(text[:20]))
def test_what_is_odd_is_left_to_others(text: bytes) -> None:
    assert _check([text, b'{"a": 1}', text]) == [False, True, False]


def test_the_last_of_two_equal_keys_counts() -> None:
    twice, once = b'{"a": 1, "b": 2, "a": 3}', b'{"a": 1, "b": 2}'
    assert _check([twice, twice, once, once, twice, once]) == [True] * 6


# --- what is learned -----------------------------------------------------------------------------


def test_copies_of_a_template_are_documents_of_their_own() -> None:
    text = b'{"a": {"x": 1, "y": [1]}, "b": 2}'
    first, *others = (found[0] for found in _core.read_json([text] * 200) if found is not None)
    last = others[-1]
    last["c"] = last["a"]["z"] = 3
    del last["b"]
    last["a"]["y"].append(2)
    assert first == others[0] == others[-2] == from_json(text)
    assert list(last) == ["a", "c"]
    assert gc.is_tracked(others[0])


def test_columns_without_any_likeness() -> None:
    """More forms than are kept, again and again."""
    drawn = random.Random(3)
    names = [f"key{number}" for number in range(40)]
    texts = []
    for _ in range(3_000):
        body = {name: {"in": {name: 1}} for name in drawn.sample(names, drawn.randrange(1, 35))}
        texts.append(json.dumps(body).encode())
    assert all(_check(texts))
    tree: Any = {"end": 1}
    for number in range(90):
        tree = {f"level{number}": tree, "n": number}
    assert _check([json.dumps(tree).encode()] * 100) == [True] * 100


def test_documents_are_freed() -> None:
    text = b'{"a": {"x": 1.5, "y": [1.5]}, "b": "some text of this document"}'
    _core.read_json([text] * 100)
    before = sys.getallocatedblocks()
    for _ in range(20):
        _core.read_json([text, b'{"a": {"x": 1.5, "y": [1.5}', b'{"a": {"x": 1.5}, "c": 12345'] * 30)
    assert sys.getallocatedblocks() - before < 100


# --- as columns -------------------------------------------------------------------------------


class Kept(Model):
    id: int | None = Field(default=None, db_pk=True)
    data: dict[str, Any] | None = None
    items: list[Any] | None = None
    anything: Any = None

    class Meta:
        is_table = True
        table_name = "json_kept"


@pytest_asyncio.fixture(loop_scope="function")
async def database() -> AsyncIterator[db.AsyncDatabase]:
    async with db.connect("sqlite://") as opened:
        await create_tables(opened, models=[Kept])
        yield opened


async def _loaded(database: db.AsyncDatabase, column: str, *texts: str | bytes) -> list[Any]:
    await execute_raw("DELETE FROM json_kept", [], client=database)
    for number, text in enumerate(texts):
        value = "CAST(? AS TEXT)" if isinstance(text, bytes) else "?"
        await execute_raw(
            f"INSERT INTO json_kept (id, {column}) VALUES (?, {value})", [number, text], client=database
        )
    return [getattr(row, column) for row in await Kept.objects.order_by("id").all(client=database)]


@pytest.mark.asyncio
async def test_rows_hold_documents_however_they_are_written(database: db.AsyncDatabase) -> None:
    texts = [
        '{"a": 1}',
        '{"a": 1e400}',
        '{"a": "\\ud800"}',
        '{"a": ' + "[" * 180 + "]" * 180 + "}",
        '{"a" : 2}',
    ]
    texts += ['{"\\ud800": 1}'] * 2
    assert await _loaded(database, "data", *texts) == [json.loads(text) for text in texts]
    assert await _loaded(database, "items", "[1, {}]", "[]") == [[1, {}], []]
    assert await _loaded(database, "anything", "1", '"a"', "null", "[]") == [1, "a", None, []]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "text", ["{", '{"a": 1} x', '{"a": "\x01"}', b'{"a": "\xff"}', b'{"\xff": 1}', "", "01"]
)
async def test_malformed_documents_are_errors_that_say_where(
    database: db.AsyncDatabase, text: str | bytes
) -> None:
    for column in ("data", "anything"):
        with pytest.raises(DataError, match=f'column "{column}"'):
            await _loaded(database, column, '{"a": 1}', text)


@pytest.mark.asyncio
@pytest.mark.parametrize(("column", "text"), [("data", "[]"), ("data", "1"), ("items", "{}")])
async def test_documents_of_another_type_are_pydantics_to_refuse(
    database: db.AsyncDatabase, column: str, text: str
) -> None:
    with pytest.raises(ValueError) as wrong:
        Kept.model_validate({column: json.loads(text)})
    with pytest.raises(ValueError) as found:
        await _loaded(database, column, text)
    assert str(found.value) == str(wrong.value)


def test_given_documents_are_copied() -> None:
    """Only what was just read from a cell belongs to the instance."""
    data, items = {"a": 1}, [1]
    for made in (Kept(data=data, items=items), Kept.model_validate({"data": data, "items": items})):
        assert made.data == data and made.data is not data
        assert made.items == items and made.items is not items
