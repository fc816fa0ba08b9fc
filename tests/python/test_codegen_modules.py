"""What a stub keeps of its module beside the tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from codegen_support import SIMPLE, Made, modules, stub


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    yield from modules(tmp_path, monkeypatch)


def without_models(text: str) -> str:
    """What stands between the imports and the first table."""
    return text.partition("\n\n\nclass Depot(")[0]


def test_imports_in_use_and_reexports_stay(made: Made) -> None:
    made("a = b = c = 1\n", "made_other")
    module = made(
        "from __future__ import annotations\n"
        "import json, decimal as dec\n"
        "import xml.dom as xml_dom\n"
        "from made_other import a as renamed, b, c as c\n"
        "from collections import OrderedDict\n"
        "def helper(x: dec.Decimal, y: xml_dom.Node) -> None:\n    json.dumps(renamed)\n" + SIMPLE
    )
    text = without_models(stub(module))
    assert "import decimal as dec" in text
    assert "import xml.dom as xml_dom" in text
    assert "json" not in text and "renamed" not in text  # only bodies used them
    assert "from made_other import b as b, c as c" in text
    assert "from collections import OrderedDict as OrderedDict" in text
    assert "__future__" not in text


def test_all_keeps_what_it_names(made: Made) -> None:
    made("a = 1\n", "made_other")
    text = stub(made("from made_other import a\n__all__ = ['a', 'Depot']\nprint(a)\n" + SIMPLE))
    assert "from made_other import a\n" in text and "__all__ = ['a', 'Depot']" in text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("A = 1", "A: int"),
        ("A = 'x'", "A: str"),
        ("A = None", "A: None"),
        ("A = [1, 'x']", "A: list[int | str]"),
        ("A = {}", "A: dict[Any, Any]"),
        ("A = (1, 2.0)", "A: tuple[int, float]"),
        ("A = frozenset({1})", "A: frozenset[int]"),
        ("A, (B, *C) = 1, ('x', 2, 3)", "A: int\nB: str\nC: list[int]"),
        ("A = B = 1", "A: int\nB: int"),
        ("A: int | None = 3", "A: int | None"),
        ("from typing import Final\nA: Final = 3", "A: Final = 3"),
        ("from typing import Final\nA: Final = [3]", "A: Final[list[int]]"),
        ("from decimal import Decimal\nA = Decimal(1)", "A: Decimal"),
        ("import datetime\nA = datetime.date(2031, 1, 1)", "A: date"),
        ("A = tuple[int, str]", "A = tuple[int, str]"),
        ("A = int | None", "A = int | None"),
        ("from typing import TypeVar\nA = TypeVar('A', bound=int)", "A = TypeVar('A', bound=int)"),
        ("from typing import NewType\nA = NewType('A', int)", "A = NewType('A', int)"),
        ("from typing import TypeAlias\nA: TypeAlias = 'int | str'", "A: TypeAlias = 'int | str'"),
        ("import enum\nA = enum.Enum('A', 'x y')", "A = enum.Enum('A', 'x y')"),
        ("from collections import namedtuple\nA = namedtuple('A', 'x y')", "A = namedtuple('A', 'x y')"),
        ("A = lambda: 1", "A: Callable[..., Any]"),
        ("import os\nif os.sep == '/':\n    A = 1\nelse:\n    A = 'x'", "A: int"),
        ("try:\n    import made_nothing as A\nexcept ImportError:\n    A = None", "A: None"),
        ("class Own: pass\nA = Own()", "class Own: ...\n\nA: Own"),
        ("def f(): return 1\nA = f", "def f() -> int: ...\nA = f"),
    ],
)
def test_constants_and_aliases(made: Made, source: str, expected: str) -> None:
    text = without_models(stub(made(f"{source}\n{SIMPLE}")))
    assert text.rpartition("\n\n\n")[2].strip() == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "def f(a: int, /, b: str = 'x', *c: int, d, e: bool = True, **g: str) -> None: pass",
            "def f(a: int, /, b: str = ..., *c: int, d: Any, e: bool = ..., **g: str) -> None: ...",
        ),
        ("class C:\n    def __str__(self): return self.x", "class C:\n    def __str__(self) -> str: ..."),
        ("def f(*, a=3, b=None): pass", "def f(*, a: int = ..., b: Any = ...) -> None: ..."),
        ("def f(a): return 'x' if a else 3", "def f(a: Any) -> Any: ..."),
        ("def f(a):\n    if a:\n        return 'x'", "def f(a: Any) -> str: ..."),
        ("async def f() -> int:\n    return 1", "async def f() -> int: ..."),
        ("async def f():\n    yield 1", "def f() -> AsyncIterator[Any]: ..."),
        ("def f():\n    yield 1", "def f() -> Iterator[Any]: ..."),
        ("def f():\n    def g():\n        yield 1\n    return g", "def f() -> Any: ..."),
        ("def f():\n    raise NotImplementedError", "def f() -> Any: ..."),
        (
            "import functools\n@functools.lru_cache(maxsize=None)\ndef f(a: int) -> int: return a",
            "@functools.lru_cache(maxsize=None)\ndef f(a: int) -> int: ...",
        ),
        (
            "import typing\n@typing.overload\ndef f(a: int) -> int: ...\n@typing.overload\n"
            "def f(a: str) -> str: ...\n"
            "def f(a): return a",
            "@typing.overload\ndef f(a: int) -> int: ...\n@typing.overload\ndef f(a: str) -> str: ...",
        ),
    ],
)
def test_functions(made: Made, source: str, expected: str) -> None:
    text = without_models(stub(made(f"{source}\n{SIMPLE}")))
    assert text.rpartition("\n\n\n")[2].strip() == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "import enum\nclass E(str, enum.Enum):\n    A = 'a'  # first\n\n    def f(self):\n"
            "        return 1",
            "class E(str, enum.Enum):\n    A = 'a'  # first\n\n    def f(self):\n        return 1",
        ),
        (
            "from dataclasses import dataclass, field\n@dataclass(frozen=True)\nclass D:\n"
            "    a: int\n    b: str = 'x'\n"
            "    c: list[int] = field(default_factory=list)",
            "@dataclass(frozen=True)\nclass D:\n    a: int\n    b: str = ...\n"
            "    c: list[int] = field(default_factory=list)",
        ),
        (
            "from typing import TypedDict\nclass T(TypedDict, total=False):\n    a: int",
            "class T(TypedDict, total=False):\n    a: int",
        ),
        (
            "from typing import Protocol\nclass P(Protocol):\n    x: int\n"
            "    def f(self, a: int = 1) -> str: ...",
            "class P(Protocol):\n    x: int\n    def f(self, a: int = ...) -> str: ...",
        ),
        (
            "from typing import NamedTuple\nclass N(NamedTuple):\n    a: int\n    b: str = 'x'",
            "class N(NamedTuple):\n    a: int\n    b: str = ...",
        ),
        (
            "class C:\n    size = 3\n    kind: str = 'x'\n    def __init__(self, a: int):\n"
            "        self.a = a\n"
            "        self.b, self.size = 1, 2\n        self.c: str = 'x'",
            "class C:\n    size: int\n    kind: str\n    def __init__(self, a: int) -> None: ...\n"
            "    a: int\n    b: int\n    c: str",
        ),
        (
            "class C:\n    @property\n    def p(self) -> int: return 1\n    @p.setter\n"
            "    def p(self, v: int) -> None: pass\n"
            "    @staticmethod\n    def s(a): return a\n    @classmethod\n    def k(cls): return 'x'\n"
            "    def me(self): return self",
            "class C:\n    @property\n    def p(self) -> int: ...\n    @p.setter\n"
            "    def p(self, v: int) -> None: ...\n"
            "    @staticmethod\n    def s(a: Any) -> Any: ...\n    @classmethod\n    def k(cls) -> str: ...\n"
            "    def me(self) -> Self: ...",
        ),
        (
            "from pydantic import BaseModel, Field as PField\nclass B(BaseModel):\n    a: int = 3\n"
            "    b: str = PField('x', alias='c')\n    _p: int = 1",
            "class B(BaseModel):\n    a: int = ...\n    b: str = PField('x', alias='c')\n    _p: int",
        ),
        ("class Outer:\n    class Inner:\n        x = 1", "class Outer:\n    class Inner:\n        x: int"),
    ],
)
def test_classes(made: Made, source: str, expected: str) -> None:
    text = without_models(stub(made(f"{source}\n{SIMPLE}")))
    assert text.rpartition("\n\n\n")[2].strip() == expected
