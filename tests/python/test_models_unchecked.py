"""`unchecked` stands for rows that the model rejects."""

from __future__ import annotations

import enum
from typing import Any

from pydantic import BaseModel, SecretStr

from oxyde import Field, Model, db, execute_raw, is_loaded, is_saved, related
from oxyde.models.unchecked import unchecked


class Colour(enum.Enum):
    RED = "red"


class Inner(BaseModel):
    a: int


class UncheckedHome(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=3)
    things: list[UncheckedThing] = Field(db_reverse_fk="home")

    class Meta:
        is_table = True


class UncheckedThing(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=3)
    colour: Colour = Colour.RED
    inner: Inner | None = None
    secret: SecretStr | None = None
    home: UncheckedHome | None = None
    _private: int = 4

    class Meta:
        is_table = True


ROW: dict[str, Any] = {
    "id": 1,
    "name": "much too long",
    "colour": "green",
    "inner": {"a": 7},
    "secret": "s",
    "home_id": 3,
}


def test_values_get_their_types_where_they_can() -> None:
    thing = unchecked(UncheckedThing, ROW)
    assert thing.name == "much too long"
    assert thing.colour == "green"
    assert thing.inner == Inner(a=7)
    assert thing.secret is not None and thing.secret.get_secret_value() == "s"
    assert thing._private == 4
    assert thing.home is None and thing.home_id == 3  # type: ignore[attr-defined]
    assert is_saved(thing) and is_loaded(thing, "name") and not is_loaded(thing, "home")


def test_fields_that_are_not_given_are_not_loaded() -> None:
    thing = unchecked(UncheckedThing, {"id": 1, "name": "a"})
    assert is_loaded(thing, "name") and not is_loaded(thing, "colour")
    assert thing.colour is Colour.RED


async def test_an_unchecked_instance_is_saved_deleted_and_related(tmp_path: Any) -> None:
    async with db.lifespan(default=f"sqlite:///{tmp_path}/u.db")():
        connection = await db.get_connection("default")
        await db.create_tables(connection, models=[UncheckedHome, UncheckedThing])
        home = await UncheckedHome.objects.create(name="h")
        made = await UncheckedThing.objects.create(name="a", home=home)
        await execute_raw("UPDATE uncheckedthing SET name = 'much too long', colour = 'green'")
        thing = unchecked(UncheckedThing, {**ROW, "id": made.id, "home_id": home.id})
        same = unchecked(UncheckedHome, {"id": home.id, "name": "far too long"})
        assert await related(same, "things").count() == 1
        thing.name, thing.colour = "ok", Colour.RED
        await thing.save(update_fields=["name", "colour"])
        assert (await UncheckedThing.objects.get(id=made.id)).name == "ok"
        assert await thing.delete() == 1
