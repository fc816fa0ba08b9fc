"""What a stub says of a table."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from codegen_support import SIMPLE, TABLE, Made, modules, stub

from oxyde import _core
from oxyde.codegen import generate_stubs_for_models
from oxyde.queries import Query


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    yield from modules(tmp_path, monkeypatch)


def model_class(text: str, name: str = "Depot") -> str:
    found = re.search(rf"^class {name}\(.*?\n(?=\n\n)", text + "\n\n\n", re.M | re.S)
    assert found is not None, text
    return found[0]


def test_the_class_of_a_table(made: Made) -> None:
    module = made(
        """
        import enum
        from typing import ClassVar
        from oxyde import Field, Model
        from pydantic import ConfigDict, PrivateAttr, field_validator

        class Kind(enum.Enum):
            BIG = "big"
            SMALL = "small"

        class Region(Model):
            id: int | None = Field(default=None, db_pk=True)
            depots: list["Depot"] = Field(db_reverse_fk="region")
            class Meta:
                is_table = True

        class Depot(Model):
            LIMIT: ClassVar[int] = 3
            model_config = ConfigDict(str_strip_whitespace=True)
            id: int | None = Field(default=None, db_pk=True)
            label: str
            kind: Kind = Kind.BIG
            opened: str = Field(db_default="'x'")
            region: Region | None = None
            _note: str = PrivateAttr(default="")

            @field_validator("label")
            @classmethod
            def check(cls, value: str) -> str:
                return value

            @property
            def title(self) -> str:
                return self.label

            class Meta:
                is_table = True
                table_name = "depots"
        """
    )
    assert model_class(stub(module)) == textwrap.dedent(
        """\
        class Depot(Model):
            model_config = ConfigDict(str_strip_whitespace=True)
            class Meta:
                is_table: bool
                table_name: str
            id: Attr[int | None]
            label: Attr[str]
            kind: Attr[Kind]
            opened: Attr[str]
            region: ForeignAttr[Region | None]
            region_id: Attr[int | None]
            def __init__(self, *, label: str, id: int | None = ..., <<
        kind: Kind | Literal["big", "small"] = ..., <<
        opened: str = ..., region: Region | None = ..., region_id: int | None = ...) -> None: ...
            LIMIT: ClassVar[int]
            _note: str
            @field_validator("label")
            @classmethod
            def check(cls, value: str) -> str: ...
            @property
            def title(self) -> str: ...
            objects: ClassVar[DepotManager]
            class _Columns(RelationColumn[Depot]):
                id: Column[int | None]
                label: Column[str]
                kind: Column[Kind]
                opened: Column[str]
                region: ForeignPath[Region | None]
                region_id: Column[int | None]
            @property
            def __columns__(self) -> _Columns: ...
        """
    ).replace("<<\n", "")
    assert "    depots: ManyAttr[Depot]\n" in stub(module)


def parameters(text: str, method: str, cls: str = "_DepotQueryMethods") -> dict[str, str]:
    """Keyword parameters of a method, in their order, with their types."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef) and node.name == cls:
            found = [f for f in node.body if isinstance(f, ast.FunctionDef) and f.name == method]
            return {
                arg.arg: ast.unparse(arg.annotation) for arg in found[0].args.kwonlyargs if arg.annotation
            }
    raise AssertionError(f"no class {cls}")


def names(found: dict[str, str], field: str) -> list[str]:
    return [name for name in found if re.fullmatch(rf"{field}(__.*)?", name)]


def test_parameters_are_the_lookups_of_the_run_time_in_its_order(made: Made) -> None:
    module = made(
        f"""
from datetime import date, datetime, time
from oxyde import Field, Model
from typing import Any
class Depot(Model):
    id: int | None = Field(default=None, db_pk=True)
    text: str
    flag: bool
    at: datetime
    day: date
    clock: time
    raw: bytes
    marks: list[str]
    extra: dict[str, Any]
{TABLE}"""
    )
    found = parameters(stub(module), "filter")
    categories = {
        "text": _core.CAT_STRING,
        "id": _core.CAT_NUMERIC,
        "flag": _core.CAT_PLAIN,
        "at": _core.CAT_DATETIME,
        "day": _core.CAT_DATE,
        "clock": _core.CAT_TIME,
        "raw": _core.CAT_ORDERED,
        "marks": _core.CAT_ARRAY,
        "extra": _core.CAT_JSON,
    }
    for field, category in categories.items():
        lookups = [name for name in _core.LOOKUPS[category] if name != "exact"]
        assert names(found, field) == [field, *(f"{field}__{lookup}" for lookup in lookups)]
    fields = list(dict.fromkeys(name.partition("__")[0] for name in found))
    assert fields == sorted(fields)


def test_every_lookup_of_a_stub_is_accepted_by_the_query(made: Made) -> None:
    module = made(SIMPLE)
    text = stub(module)
    values = {"isnull": True, "in": ["1"], "between": ("1", "2"), "range": ["1", "2"]}
    for name in [*names(parameters(text, "filter"), "id"), *names(parameters(text, "filter"), "label")]:
        value = values.get(name.partition("__")[2], "1")
        assert isinstance(module.Depot.objects.filter(**{name: value}), Query)


def test_service_parameters_are_not_fields(made: Made) -> None:
    fields = (
        "client",
        "using",
        "defaults",
        "args",
        "kwargs",
        "returning",
        "instance",
        "as_",
        "create_defaults",
        "values",
        "data",
        "field",
    )
    body = "".join(f"    {name}: str = ''\n" for name in fields)
    text = stub(made(f"{SIMPLE.removesuffix(TABLE)}{body}{TABLE}"))
    assert "client__contains" in text
    for method in ("filter", "get", "get_or_create", "update_or_create", "create", "update"):
        assert parameters(text, method)  # Python takes no name twice


def test_names_that_fields_hide_are_imported_under_another(made: Made) -> None:
    module = made(
        f"""
import datetime as dt
from oxyde import Field, Model
class Depot(Model):
    id: int | None = Field(default=None, db_pk=True)
    date: dt.date | None = None
    list: int = 0
    marks: "list[str]" = []
    until: dt.date | None = None
{TABLE}""".replace('marks: "list[str]"', "marks: dict[str, int]")
    )
    text = stub(module)
    assert "from datetime import date as _date" in text
    assert "    until: Attr[_date | None]\n" in text and "def __init__(self, *, id: int" in text


def test_names_of_generated_classes_make_way(made: Made) -> None:
    module = made(
        f"""
from oxyde import Field, Model
from oxyde.queries import Query, QueryManager
class DepotQuery(Query["Depot"]):
    def wide(self, by: int = 1) -> "DepotQuery":
        return self
class DepotManager(QueryManager["Depot"]):
    def create(self, *args, **kwargs):
        return super().create(*args, **kwargs)
class Depot(Model):
    id: int | None = Field(default=None, db_pk=True)
    objects = DepotManager()
    wide_ones = DepotQuery.as_manager()
{TABLE}"""
    )
    text = stub(module)
    assert "    objects: ClassVar[_DepotManager]\n    wide_ones: ClassVar[DepotWideOnesManager]\n" in text
    assert "class _DepotManager(_DepotQueryMethods, DepotManager):" in text
    assert "class DepotWideOnesManager(_DepotWideOnesQueryMethods, QueryManager[Depot]):" in text
    assert "    def wide(self, by: int = ...) -> DepotWideOnesQuery: ...\n" in text
    shared, query, manager = (
        text[text.index(f"class {name}(") if name[-1] != "s" else text.index(f"class {name}:") :].split(
            "\n\n"
        )[0]
        for name in ("_DepotQueryMethods", "_DepotQuery", "_DepotManager")
    )
    assert "def create(" not in shared + manager  # the manager's own stands
    assert "def create(" in query
    assert "def update(" in shared and "def update(" not in query + manager


def test_aliases_are_names_of_the_constructor(made: Made) -> None:
    module = made(
        f"""
from oxyde import Field, Model
from pydantic import AliasChoices
class Depot(Model):
    id: int | None = Field(default=None, db_pk=True)
    label: str = Field(alias="Label")
    size: int = Field(validation_alias=AliasChoices("width", "the-width"))
    plain: str
{TABLE}"""
    )
    assert (
        "def __init__(self, *, plain: str, id: int | None = ..., label: str = ..., Label: str = ..., "
        "size: int = ..., width: int = ...) -> None: ..."
    ) in stub(module)


def test_types_by_name(made: Made) -> None:
    module = made(
        f"""
import decimal, enum, typing as t
from pathlib import Path
from pydantic import AnyUrl, BaseModel, PositiveInt, SecretStr
from typing_extensions import TypedDict
from uuid import UUID
from oxyde import Field, Model
T = t.TypeVar("T")
class Color(enum.Enum):
    RED = "red"
class Point(BaseModel):
    x: int
class Size(TypedDict):
    w: int
class Page(BaseModel, t.Generic[T]):
    item: T
class Depot(Model):
    id: int | None = Field(default=None, db_pk=True)
    a: t.Optional[PositiveInt] = None
    b: t.Annotated[t.List[t.Annotated[str, Field(max_length=3)]], Field(max_length=9)] = []
    c: t.Dict[str, t.List[Point]] = {{}}
    d: t.Literal["x", 'y"', 3] = "x"
    e: t.Union[int, decimal.Decimal, None] = None
    f: Page[int] | None = None
    g: Size | None = None
    h: SecretStr = SecretStr("x")
    i: Path = Path(".")
    j: AnyUrl | None = None
    k: tuple[UUID, ...] = ()
    l: t.Any = None
    m: Color | None = None
{TABLE}"""
    )
    text = stub(module)
    found = dict(re.findall(r"^    (\w): Attr\[(.*)\]$", text, re.M))
    assert found == {
        "a": "int | None",
        "b": "list[str]",
        "c": "dict[str, list[Point]]",
        "d": 'Literal["x", "y\\"", 3]',
        "e": "int | Decimal | None",
        "f": "Page[int] | None",
        "g": "Size | None",
        "h": "SecretStr",
        "i": "Path",
        "j": "AnyUrl | None",
        "k": "tuple[UUID, ...]",
        "l": "Any",
        "m": "Color | None",
    }
    assert 'm: Given[Color | Literal["red"]] = ...' in text
    assert "from decimal import Decimal" in text


def test_forward_references_and_models_of_other_modules(made: Made) -> None:
    made(SIMPLE.replace("Depot", "LoneDepot"), "made_first")  # the only table of that name
    module = made(
        f"""
from __future__ import annotations
from typing import TYPE_CHECKING
from oxyde import Field, Model
if TYPE_CHECKING:
    from made_first import LoneDepot
class Truck(Model):
    id: int | None = Field(default=None, db_pk=True)
    home: "LoneDepot | None" = None
    next: Truck | None = None
{TABLE}""",
        "made_second",
    )
    text = stub(module)
    assert "    home: ForeignAttr[LoneDepot | None]\n    next: ForeignAttr[Truck | None]\n" in text
    assert "from made_first import LoneDepot\n" in text
    assert "home: LoneDepot | int | None = ..." in text
    assert "home: Given[LoneDepot | int] = ..." in text


def test_every_public_method_that_depends_on_the_model_is_declared_again(made: Made) -> None:
    text = stub(made(SIMPLE))
    assert "class DepotQuery(_DepotQueryMethods, Query[Depot]):" in text
    assert "class DepotManager(_DepotQueryMethods, QueryManager[Depot]):" in text
    found = set(re.findall(r"def (\w+)\(", text[text.index("class _DepotQueryMethods:") :]))
    builders = {
        name for name, f in vars(Query).items() if getattr(f, "__annotations__", {}).get("return") == "Self"
    }
    assert builders <= found
    for name in (
        "filter",
        "get",
        "create",
        "update",
        "order_by",
        "values",
        "values_list",
        "bulk_create",
        "delete",
    ):
        assert name in found


def test_a_table_inside_a_class(made: Made) -> None:
    module = made(
        f"""
from oxyde import Field, Model
class Yard:
    size = 1
    class Crane(Model):
        id: int | None = Field(default=None, db_pk=True)
        name: str
        class Meta:
            is_table = True
{SIMPLE.replace("from oxyde import Field, Model", "")}"""
    )
    (text,) = generate_stubs_for_models([module.Yard.Crane]).values()
    assert "class Yard:\n    size: int\n    class Crane(Model):\n        class Meta:" in text
    assert "        objects: ClassVar[CraneManager]\n" in text
    assert "\nclass CraneManager(_CraneQueryMethods, QueryManager[Yard.Crane]):\n" in text
    assert "\nclass DepotManager(" in text
    compile(text, "stub", "exec")
