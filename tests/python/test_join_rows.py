"""What join() makes of rows: validation of either side, frozen models, unloaded="raise", errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import pydantic
import pytest
import pytest_asyncio
from parcels import served
from pydantic import AfterValidator, PrivateAttr, model_validator
from servers import Server

from oxyde import DataError, Field, Model, NotLoadedError, atomic, create_tables, db, execute_raw, is_loaded

SEEN: list[str] = []


def _noted(value: str) -> str:
    SEEN.append(value)
    return value.strip()


class Maker(Model):
    """Every row goes through a validator of the field and one of the model."""

    id: int | None = Field(default=None, db_pk=True)
    name: Annotated[str, AfterValidator(_noted)]
    grade: int = Field(default=0, ge=0)
    _shout: str = PrivateAttr(default="")

    class Meta:
        is_table = True
        table_name = "join_makers"

    @model_validator(mode="after")
    def _known(self) -> Maker:
        if self.name == "nobody":
            raise ValueError("nobody makes nothing")
        return self

    def model_post_init(self, context: Any, /) -> None:
        self._shout = self.name.upper()


class Badge(Model):
    """Frozen, and strict about what is loaded."""

    model_config = pydantic.ConfigDict(frozen=True)

    text: str = Field(db_pk=True, max_length=10)
    maker: Maker | None = None
    tool: Tool | None = Field(db_reverse_fk="badge")

    class Meta:
        is_table = True
        table_name = "join_badges"
        unloaded = "raise"


class Tool(Model):
    """A model-level validator of the parent, which never sees related rows."""

    id: int | None = Field(default=None, db_pk=True)
    name: str
    maker: Maker | None = Field(default=None, db_comment="who made it")
    badge: Badge | None = Field(default=None, db_unique=True)

    class Meta:
        is_table = True
        table_name = "join_tools"

    @model_validator(mode="after")
    def _named(self) -> Tool:
        assert self.name, "a tool has a name"
        return self


TOOLS: list[type[Model]] = [Maker, Badge, Tool]


@pytest_asyncio.fixture(autouse=True)
async def tools(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with served(fresh_database, TOOLS) as database:
        for n, name in ((1, "Ann "), (2, "Bob")):
            await execute_raw(f"INSERT INTO join_makers (id, name, grade) VALUES ({n}, '{name}', {n})")
        await Badge.objects.create(text="gold", maker_id=2)
        for n in range(1, 7):
            maker, badge = (n % 3 or None), "gold" if n == 1 else None
            await Tool.objects.create(id=n, name=f"tool {n}", maker_id=maker, badge_text=badge)
        SEEN.clear()
        yield database


async def test_related_rows_are_validated_once_each() -> None:
    rows = await Tool.objects.join("maker").order_by("id").all()
    assert [row.maker and row.maker.name for row in rows] == ["Ann", "Bob", None, "Ann", "Bob", None]
    assert sorted(SEEN) == ["Ann ", "Bob"]
    assert rows[0].maker is not None and rows[0].maker._shout == "ANN"


async def test_a_related_row_that_its_model_rejects_is_refused() -> None:
    await execute_raw("UPDATE join_makers SET grade = -1 WHERE id = 2")
    with pytest.raises(pydantic.ValidationError, match="grade") as caught:
        await Tool.objects.join("maker").all()
    assert caught.value.title == "Maker"
    await execute_raw("UPDATE join_makers SET grade = 1, name = 'nobody' WHERE id = 2")
    with pytest.raises(pydantic.ValidationError, match="nobody makes nothing"):
        await Tool.objects.join("maker").all()
    assert len(await Tool.objects.join("maker").filter(maker_id=1).all()) == 2


async def test_frozen_models_hold_related_rows() -> None:
    badge = await Badge.objects.join("maker", "tool").get(text="gold")
    assert badge.maker is not None and badge.maker.name == "Bob"
    assert badge.tool is not None and badge.tool.name == "tool 1"
    with pytest.raises(pydantic.ValidationError):
        badge.text = "silver"  # type: ignore[misc]
    tool = await Tool.objects.join("badge__maker").get(id=1)
    assert tool.badge is not None and tool.badge.maker is not None and tool.badge.maker.name == "Bob"


async def test_attributes_stand_in_the_order_of_the_fields() -> None:
    """Also where a relation that is not loaded is no attribute at all."""
    badge = await Badge.objects.join("maker").get(text="gold")
    assert list(badge.model_dump()) == ["text", "maker", "maker_id"]
    assert list((await Badge.objects.get(text="gold")).model_dump()) == ["text", "maker_id"]
    with pytest.raises(NotLoadedError, match="tool"):
        _ = badge.tool
    tool = await Tool.objects.join("maker").get(id=1)
    assert list(tool.model_dump()) == ["id", "name", "maker", "badge", "maker_id", "badge_text"]
    assert tool.model_dump()["maker"] == {"id": 1, "name": "Ann", "grade": 1}


async def test_related_rows_are_no_part_of_the_set_of_fields() -> None:
    tool = await Tool.objects.join("maker").get(id=1)
    plain = await Tool.objects.get(id=1)
    assert tool.model_fields_set == plain.model_fields_set == {"id", "name", "maker_id", "badge_text"}
    assert tool.maker is not None
    assert tool.maker.model_fields_set == {"id", "name", "grade"}
    assert is_loaded(tool.maker, "name")


async def test_inside_a_transaction() -> None:
    async with atomic():
        await Maker.objects.filter(id=1).update(name="Cleo")
        tool = await Tool.objects.join("maker").get(id=1)
        assert tool.maker is not None and tool.maker.name == "Cleo"


async def test_a_cell_that_cannot_be_decoded_names_the_joined_table() -> None:
    async with db.connect("sqlite://:memory:", name="loose") as database:
        await create_tables(database, models=TOOLS)
        await execute_raw(
            "INSERT INTO join_makers (id, name, grade) VALUES (1, 'Ann', 'first')", client=database
        )
        await Tool.objects.create(id=1, name="saw", maker_id=1, client=database)
        with pytest.raises(DataError, match=r"join_makers.*grade") as caught:
            await Tool.objects.join("maker").all(client=database)
        assert (caught.value.table, caught.value.column) == ("join_makers", "grade")
