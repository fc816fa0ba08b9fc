"""`as_=`: rows as instances of a schema class, with its columns and no others, on every server."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pydantic
import pytest
import pytest_asyncio
from parcels import served
from servers import Server

from oxyde import Count, Field, Model, Prefetch, Sum, db
from oxyde.exceptions import FieldError, FieldLookupError, MultipleObjectsReturned, NotFoundError
from oxyde.models.registry import unregister_table


class Grade(enum.Enum):
    FINE = "fine"
    POOR = "poor"


class Size(pydantic.BaseModel):
    width: int = pydantic.Field(alias="w")


class Yard(Model):
    code: str = Field(db_pk=True, max_length=8)
    label: str = ""
    area: int = 0
    crates: list[Crate] = Field(db_reverse_fk="yard")

    class Meta:
        is_table = True
        table_name = "as_yards"


class Crate(Model):
    id: int | None = Field(default=None, db_pk=True)
    ref: str = Field(max_length=9, alias="reference", db_column="crate_ref")
    weight: int = Field(default=0, ge=0)
    price: Decimal | None = None
    grade: Grade = Grade.FINE
    size: Size | None = None
    seen: dt.datetime | None = None
    link: pydantic.HttpUrl | None = None
    yard: Yard | None = None

    class Meta:
        is_table = True
        table_name = "as_crates"


MODELS: list[type[Model]] = [Yard, Crate]
for model in MODELS:
    unregister_table(model)


@pytest_asyncio.fixture
async def rows(fresh_database: Server) -> AsyncIterator[Any]:
    async with served(fresh_database, MODELS) as database:
        await Yard.objects.bulk_create([Yard(code="N", label="North", area=5), Yard(code="S", label="South")])
        await Crate.objects.bulk_create(
            [
                Crate(
                    ref="A1", weight=3, price=Decimal("1.50"), grade=Grade.POOR, size=Size(w=4),
                    seen=dt.datetime(2031, 1, 2), link=pydantic.HttpUrl("http://a.b/"), yard_code="N",
                ),
                Crate(ref="A2", weight=5, yard_code="N"),
                Crate(ref="A3", weight=7),
            ]
        )  # fmt: skip
        yield database


async def test_only_the_columns_of_the_class_are_selected(rows: Any) -> None:
    short = Crate.schema_class(include=["ref", "grade"], name="Short")
    with db.capture_queries() as queries:
        found = await Crate.objects.order_by("id").all(as_=short)
    assert [type(row) for row in found] == [short] * 3
    assert [row.model_dump() for row in found][:2] == [
        {"ref": "A1", "grade": Grade.POOR},
        {"ref": "A2", "grade": Grade.FINE},
    ]
    selected = queries[0].sql.partition("FROM")[0]
    assert "crate_ref" in selected and "grade" in selected
    assert not any(name in selected for name in ("weight", "price", "size", "id"))


async def test_every_type_arrives_as_the_field_has_it(rows: Any) -> None:
    whole = Crate.schema_class()
    (row,) = await Crate.objects.filter(ref="A1").all(as_=whole)
    crate = await Crate.objects.get(ref="A1")
    assert row.model_dump() == crate.model_dump(exclude={"yard"})
    assert type(row.size) is Size  # type: ignore[attr-defined]
    assert type(row.link) is pydantic.HttpUrl  # type: ignore[attr-defined]


async def test_one_row_as_each_terminal_gives_it(rows: Any) -> None:
    out = Crate.schema_class(include=["id", "ref"])
    objects = Crate.objects
    assert (await objects.get(ref="A2", as_=out)).ref == "A2"  # type: ignore[attr-defined]
    first = await objects.order_by("-weight").first(as_=out)
    assert first is not None and first.ref == "A3"  # type: ignore[attr-defined]
    assert await objects.filter(ref="no").first(as_=out) is None
    assert await objects.get_or_none(ref="no", as_=out) is None
    assert await objects.none().all(as_=out) == []
    with pytest.raises(NotFoundError, match="Crate matching query not found"):
        await objects.get(ref="no", as_=out)
    with pytest.raises(MultipleObjectsReturned):
        await objects.get(as_=out)
    with pytest.raises(MultipleObjectsReturned):
        await objects.get_or_none(as_=out)


class Heavy(pydantic.BaseModel):
    """A class of one's own: names decide, whatever its aliases and defaults are."""

    model_config = pydantic.ConfigDict(strict=True)

    ref: str = pydantic.Field(alias="r")
    double: int
    note: str = "none"

    @pydantic.field_validator("ref")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.lower()


async def test_a_class_of_ones_own_may_name_annotations(rows: Any) -> None:
    query = Crate.objects.annotate(double=Crate.weight * 2).filter(weight__gt=3).order_by("id")  # type: ignore[operator]
    found = await query.all(as_=Heavy)
    assert found == [Heavy(r="a2", double=10), Heavy(r="a3", double=14)]
    assert [row.note for row in found] == ["none", "none"]


class PerYard(pydantic.BaseModel):
    yard_code: str | None
    crates: int
    weight: int


async def test_groups_can_be_read_as_a_class(rows: Any) -> None:
    query = Crate.objects.values("yard_code").annotate(crates=Count("*"), weight=Sum("weight"))
    found = await query.group_by("yard_code").order_by("yard_code").all(as_=PerYard)
    assert sorted((row.yard_code or "", row.crates, row.weight) for row in found) == [("", 1, 7), ("N", 2, 8)]


async def test_relations_come_with_a_statement_each_and_their_columns_only(rows: Any) -> None:
    yard = Yard.schema_class(include=["label"], name="YardName")
    out = Crate.schema_class(include=["ref"], relations={"yard": yard}, name="CrateOut")
    with db.capture_queries() as queries:
        found = await Crate.objects.order_by("id").all(as_=out)
    assert [row.model_dump() for row in found] == [
        {"ref": "A1", "yard": {"label": "North"}},
        {"ref": "A2", "yard": {"label": "North"}},
        {"ref": "A3", "yard": None},
    ]
    assert len(queries) == 2
    assert not any("area" in query.sql or "weight" in query.sql for query in queries)
    back = Yard.schema_class(relations={"crates": Crate.schema_class(include=["ref", "weight"])})
    one = await Yard.objects.get(code="N", as_=back)
    assert one.model_dump() == {
        "code": "N",
        "label": "North",
        "area": 5,
        "crates": [{"ref": "A1", "weight": 3}, {"ref": "A2", "weight": 5}],
    }
    none = await Yard.objects.get(code="S", as_=back)
    assert none.crates == []  # type: ignore[attr-defined]


async def test_nesting_goes_on_and_a_prefetch_says_which_rows(rows: Any) -> None:
    yard = Yard.schema_class(include=["label"])
    crate = Crate.schema_class(include=["ref"], relations={"yard": yard})
    out = Yard.schema_class(include=["code"], relations={"crates": crate})
    light = Prefetch("crates", Crate.objects.filter(weight__lt=5))
    found = await Yard.objects.prefetch(light).order_by("code").all(as_=out)
    assert [row.model_dump() for row in found] == [
        {"code": "N", "crates": [{"ref": "A1", "yard": {"label": "North"}}]},
        {"code": "S", "crates": []},
    ]


class Wrong(pydantic.BaseModel):
    ref: str
    wieght: int


class Untyped(pydantic.BaseModel):
    yard: int


class Nothing(pydantic.BaseModel):
    other: int = 0


async def test_mistakes_are_named(rows: Any) -> None:
    objects = Crate.objects
    with pytest.raises(FieldError, match=r"Wrong\.wieght has no source: Crate.*weight"):
        await objects.all(as_=Wrong)
    with pytest.raises(TypeError, match=r"Untyped\.yard stands for a relation"):
        await objects.all(as_=Untyped)
    with pytest.raises(FieldError, match="Nothing has no field that Crate has"):
        await objects.all(as_=Nothing)
    with pytest.raises(TypeError, match="as_ takes a Pydantic class"):
        await objects.all(as_=dict)  # type: ignore[type-var]
    with pytest.raises(ValueError, match="mode or as_"):
        await objects.all(as_=Heavy, mode="dict")  # type: ignore[call-overload]
    with pytest.raises(FieldLookupError, match="yard"):
        await objects.values("ref").all(as_=Crate.schema_class(relations={"yard": True}))


async def test_a_row_that_breaks_the_class_is_refused(rows: Any) -> None:
    class Light(pydantic.BaseModel):
        weight: int = pydantic.Field(lt=5)

    with pytest.raises(pydantic.ValidationError, match="Light"):
        await Crate.objects.all(as_=Light)
