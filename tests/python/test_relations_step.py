"""A relation and its id stay in step, wherever one of them is given."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pydantic
import pytest
import pytest_asyncio
from fleet import FLEET, Berth, Depot, Licence, Person, Region, Truck, TruckCrew, Visit
from parcels import served
from servers import Server

from oxyde import Field, Model, configure, db, is_loaded
from oxyde.exceptions import FieldError, ManagerError, NotLoadedError

N4 = Depot(code="N4", label="North")
S1 = Depot(code="S1", label="South")


class Post(Model):
    """A relation that must be given, by a key that the database makes."""

    id: int | None = Field(default=None, db_pk=True)
    author: Person
    title: str

    class Meta:
        is_table = True
        table_name = "step_posts"


# --- in the constructor ------------------------------------------------------------------------


def test_an_instance_gives_the_id() -> None:
    truck = Truck(plate="A", home=N4)
    assert (truck.home, truck.home_code) == (N4, "N4")
    assert Truck(plate="A", home_code="N4").home is None


def test_a_relation_is_never_required_but_its_id_is() -> None:
    assert Post(title="x", author_id=3).author is None
    assert Post(title="x", author=Person(id=3, name="Ana")).author_id == 3
    with pytest.raises(pydantic.ValidationError) as caught:
        Post()
    assert [(e["type"], e["loc"]) for e in caught.value.errors()] == [
        ("missing", ("title",)),
        ("missing", ("author_id",)),
    ]


def test_a_dump_is_valid_input_again() -> None:
    assert Post.model_validate(Post(title="x", author_id=3).model_dump()).author_id == 3
    whole = Post(title="x", author=Person(id=3, name="Ana"))
    assert Post.model_validate(whole.model_dump()) == whole
    assert Post.model_validate_json(whole.model_dump_json()) == whole


def test_contradicting_values_are_refused() -> None:
    with pytest.raises(pydantic.ValidationError, match="home has the code 'N4'") as caught:
        Truck(plate="A", home=N4, home_code="S1")
    assert caught.value.errors()[0]["loc"] == ("home_code",)
    assert Truck(plate="A", home=N4, home_code="N4").home_code == "N4"
    for wrong in (
        {"author": Person(name="new"), "author_id": 3},
        {"author": Person(id=3, name="A"), "author_id": None},
    ):
        with pytest.raises(pydantic.ValidationError):
            Post(title="x", **wrong)
    with pytest.raises(pydantic.ValidationError, match="home has the code"):
        Truck(plate="A", home=N4, home_code=None)


def test_values_of_a_relation_are_validated_by_its_target() -> None:
    assert Truck(plate="A", home={"code": "N4"}).home == Depot(code="N4")
    with pytest.raises(pydantic.ValidationError) as caught:
        Truck(plate="A", home={"code": "much too long"})
    assert [error["loc"] for error in caught.value.errors()] == [("home", "code")]
    with pytest.raises(pydantic.ValidationError) as caught:
        Depot(code="N4", trucks=[{"plate": 3}])
    assert [error["loc"] for error in caught.value.errors()] == [("trucks", 0, "plate")]
    with pytest.raises(pydantic.ValidationError):
        Truck(plate="A", home=Region(code="R"))


def test_composite_ids_are_set_together() -> None:
    berth = Berth(depot=N4, number=3)
    visit = Visit(berth=berth)
    assert (visit.berth_depot_code, visit.berth_number) == ("N4", 3)
    visit.berth = None
    assert (visit.berth_depot_code, visit.berth_number) == (None, None)
    visit.berth = berth
    visit.berth_number = 4
    assert visit.berth is None
    with pytest.raises(pydantic.ValidationError):
        Visit(berth=berth, berth_number=4)


def test_a_declared_id_before_its_relation_is_used() -> None:
    class Parcel(Model):
        depot_code: str = Field(max_length=8, db_column="depot_ref", description="where it is")
        depot: Depot = Field(db_index=True)

        class Meta:
            is_table = True

    assert Parcel(depot=N4).depot_code == "N4"
    assert Parcel(depot_code="S1").depot is None
    with pytest.raises(pydantic.ValidationError):
        Parcel(depot=N4, depot_code="S1")
    column = Parcel._db_meta.field_metadata["depot_code"]
    assert (column.db_column, column.index) == ("depot_ref", True)
    assert Parcel.model_fields["depot_code"].description == "where it is"
    assert Parcel._db_meta.field_metadata["depot"].db_column == "depot_ref"


def test_validators_of_ids_see_derived_ones() -> None:
    seen: list[Any] = []

    class Tagged(Model):
        id: int | None = Field(default=None, db_pk=True)
        home: Depot
        spare: Depot | None = None

        @pydantic.field_validator("home_code", "spare_code")
        @classmethod
        def _note(cls, value: Any) -> Any:
            seen.append(value)
            return value

        class Meta:
            is_table = True

    assert Tagged(home=N4, spare=S1).spare_code == "S1"
    assert Tagged(home_code="N4").spare_code is None
    assert seen == ["N4", "S1", "N4"]


# --- by assignment ---------------------------------------------------------------------------------


def test_assigning_an_instance_sets_the_id() -> None:
    truck = Truck(plate="A", home=N4)
    truck.home = S1
    assert (truck.home_code, truck.home) == ("S1", S1)
    truck.home = None
    assert truck.home_code is None


def test_assigning_another_id_unloads() -> None:
    truck = Truck(plate="A", home=N4)
    truck.home_code = "N4"
    assert truck.home is N4
    truck.home_code = "S1"
    assert (truck.home_code, truck.home) == ("S1", None)


def test_what_is_no_related_instance_is_refused_at_once() -> None:
    truck = Truck(plate="A", home=N4)
    with pytest.raises(pydantic.ValidationError):
        truck.home = Region(code="R")
    assert (truck.home, truck.home_code) == (N4, "N4")
    truck.home = {"code": "S1"}  # type: ignore[assignment]
    assert truck.home == Depot(code="S1")
    assert truck.home_code == "S1"


class Checked(Model, validate_assignment=True):
    id: int | None = Field(default=None, db_pk=True)
    home: Depot

    class Meta:
        is_table = True
        table_name = "step_checked"

    @pydantic.model_validator(mode="after")
    def _in_step(self) -> Checked:
        assert self.home is None or self.home.code == self.home_code
        return self


def test_models_that_validate_assignments_see_both() -> None:
    item = Checked(home=N4)
    item.home = S1
    assert item.home_code == "S1"
    item.home_code = "N4"
    assert item.home is None
    item.home = N4
    with pytest.raises(pydantic.ValidationError):
        item.home_code = 3  # type: ignore[assignment]
    assert (item.home, item.home_code) == (N4, "N4")


def test_frozen_models_refuse_both() -> None:
    class Label(Model, frozen=True):
        id: int | None = Field(default=None, db_pk=True)
        home: Depot

        class Meta:
            is_table = True

    label = Label(home=N4)
    for name, value in (("home", S1), ("home_code", "S1")):
        with pytest.raises(pydantic.ValidationError, match="frozen"):
            setattr(label, name, value)
    assert (label.home, label.home_code) == (N4, "N4")


def test_copies_with_updates_stay_in_step() -> None:
    truck = Truck(plate="A", home=N4)
    moved = truck.model_copy(update={"home": S1})
    assert (moved.home_code, truck.home_code) == ("S1", "N4")
    other = truck.model_copy(update={"home_code": "S1"})
    assert (other.home, other.home_code) == (None, "S1")
    assert truck.home is N4


# --- on the servers ------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def fleet(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with served(fresh_database, [*FLEET, Post, Checked]) as database:
        await Depot.objects.create(code="N4")
        await Depot.objects.create(code="S1")
        yield database


async def test_the_key_of_an_unsaved_instance_is_read_at_save(fleet: db.AsyncDatabase) -> None:
    ana = Person(name="Ana")
    post = Post(title="first", author=ana)
    assert post.author_id is None
    with pytest.raises(ManagerError, match=r"Post\.author is a Person without id; save it first"):
        await post.save()
    with pytest.raises(ManagerError, match="save it first"):
        await Post.objects.create(instance=post)
    with pytest.raises(ManagerError, match="save it first"):
        await Post.objects.create(title="second", author=ana)
    with pytest.raises(ManagerError, match="save it first"):
        await Post.objects.bulk_create([{"title": "third", "author": ana}])
    assert await Post.objects.count() == 0
    await ana.save()
    await post.save()
    assert post.author_id == ana.id is not None
    assert post.author is ana
    assert (await Post.objects.get(pk=post.id)).author_id == ana.id


async def test_a_foreign_key_as_key_is_found_again(fleet: db.AsyncDatabase) -> None:
    north = await Depot.objects.get(pk="N4")
    berth = Berth(depot=north, number=1)
    await berth.save()
    again = Berth(depot=north, number=1, length=20)
    await again.save()
    assert [(b.depot_code, b.length) for b in await Berth.objects.all()] == [("N4", 20)]
    assert await again.delete() == 1


async def test_updates_take_instances_keys_and_none(fleet: db.AsyncDatabase) -> None:
    north, south = await Depot.objects.get(pk="N4"), await Depot.objects.get(pk="S1")
    truck = await Truck.objects.create(plate="A", home=north)
    trucks = Truck.objects.filter(id=truck.id)
    for value in (south, "S1"):
        await trucks.update(home_code="N4")
        assert await trucks.update(home=value) == 1
        assert (await Truck.objects.get(id=truck.id)).home_code == "S1"
    assert await trucks.update(home=north, home_code="N4") == 1
    with pytest.raises(pydantic.ValidationError, match="disagree"):
        await trucks.update(home=north, home_code="S1")
    with pytest.raises(ManagerError, match="save it first"):
        await Post.objects.filter(id=1).update(author=Person(name="new"))
    berth = await Berth.objects.create(depot=north, number=2)
    visit = await Visit.objects.create(berth=berth)
    visits = Visit.objects.filter(id=visit.id)
    await visits.update(berth=None)
    assert (await Visit.objects.get(id=visit.id)).berth_number is None
    await visits.update(berth=("N4", 2))
    assert (await Visit.objects.get(id=visit.id)).berth_depot_code == "N4"
    with pytest.raises(ManagerError, match="a tuple of 2 values: depot_code, number"):
        await visits.update(berth="N4")


async def test_bulk_update_and_upsert_name_relations(fleet: db.AsyncDatabase) -> None:
    north, south = await Depot.objects.get(pk="N4"), await Depot.objects.get(pk="S1")
    trucks = await Truck.objects.bulk_create([{"plate": "A", "home": north}, Truck(plate="B", home=north)])
    for truck in trucks:
        truck.home = south
    assert await Truck.objects.bulk_update(trucks, ["home"]) == 2
    assert {t.home_code for t in await Truck.objects.all()} == {"S1"}
    again = await Truck.objects.upsert(plate="A", home=north, unique_fields=["plate"], update_fields=["home"])
    assert again.home_code == "N4"
    ana, bob = await Person.objects.create(name="Ana"), await Person.objects.create(name="Bob")
    await TruckCrew.objects.create(truck=again, person=ana)
    crew = await TruckCrew.objects.upsert(
        truck=again, person=ana, role="guest", unique_fields=["truck", "person"]
    )
    assert (crew.role, await TruckCrew.objects.count()) == ("guest", 1)
    found, made = await Truck.objects.update_or_create(plate="A", defaults={"home": south})
    assert (found.home, found.home_code, made) == (south, "S1", False)
    assert bob.id != ana.id


async def test_get_or_create_takes_relations(fleet: db.AsyncDatabase) -> None:
    north = await Depot.objects.get(pk="N4")
    truck, made = await Truck.objects.get_or_create(plate="A", home=north)
    assert (made, truck.home, truck.home_code) == (True, north, "N4")
    again, made = await Truck.objects.get_or_create(plate="A", home="N4")
    assert (made, again.id) == (False, truck.id)
    other, made = await Truck.objects.get_or_create(plate="B", home="S1")
    assert (made, other.home_code) == (True, "S1")
    berth = await Berth.objects.create(depot=north, number=1)
    visit, made = await Visit.objects.get_or_create(berth=("N4", 1))
    assert (made, visit.berth_depot_code, visit.berth_number) == (True, "N4", 1)
    assert (await Visit.objects.get_or_create(berth=berth))[1] is False


async def test_saving_and_refreshing_keep_what_is_loaded(fleet: db.AsyncDatabase) -> None:
    north = await Depot.objects.get(pk="N4")
    truck = await Truck.objects.create(plate="A", home=north)
    assert truck.home is north
    assert is_loaded(truck, "home")
    truck.plate = "B"
    await truck.save()
    await truck.refresh()
    assert truck.home is north
    assert is_loaded(truck, "home")
    await truck.refresh(["plate"])
    assert truck.home is north
    await Truck.objects.filter(id=truck.id).update(home="S1")
    await truck.refresh(["plate"])
    assert truck.home is north
    await truck.refresh(["home"])
    assert (truck.home, truck.home_code) == (None, "S1")
    assert not is_loaded(truck, "home")


async def test_update_fields_name_relations(fleet: db.AsyncDatabase) -> None:
    north, south = await Depot.objects.get(pk="N4"), await Depot.objects.get(pk="S1")
    truck = await Truck.objects.create(plate="A", home=north)
    truck.home = south
    truck.plate = "B"
    await truck.save(update_fields=["home"])
    stored = await Truck.objects.get(id=truck.id)
    assert (stored.home_code, stored.plate) == ("S1", "A")
    for name in ("crew", "licence"):
        with pytest.raises(FieldError, match=rf"Truck\.{name} is a virtual relation field"):
            await truck.save(update_fields=[name])
        with pytest.raises(FieldError, match="virtual relation field"):
            await truck.refresh([name])


# --- unloaded --------------------------------------------------------------------------------------------


@pytest.fixture
def raising() -> Iterator[None]:
    configure(unloaded="raise")
    yield
    configure(unloaded="empty")


async def test_what_was_not_loaded_reads_as_nothing(fleet: db.AsyncDatabase) -> None:
    await Truck.objects.create(plate="A", home_code="N4")
    truck = await Truck.objects.get(plate="A")
    assert (truck.home, truck.licence, truck.crew) == (None, None, [])
    assert [is_loaded(truck, name) for name in ("home", "licence", "crew")] == [False] * 3
    assert truck.model_dump()["home"] is None
    visit = await Visit().save()
    assert is_loaded(await Visit.objects.get(id=visit.id), "berth")
    assert is_loaded(Truck(plate="B", home_code="N4"), "crew")
    changed = Truck(plate="B", home_code="N4")
    changed.plate = "C"
    assert [is_loaded(changed, name) for name in ("home", "licence", "crew")] == [True] * 3


async def test_reading_what_was_not_loaded_can_raise(fleet: db.AsyncDatabase, raising: None) -> None:
    made = await Truck.objects.create(plate="A", home_code="N4")
    read = await Truck.objects.get(plate="A")
    partial = await Truck.objects.only("plate").get(plate="A")
    for truck in (made, read, partial):
        with pytest.raises(
            NotLoadedError, match=r'Truck\.home is not loaded; add \.join\("home"\) or \.pre'
        ) as e:
            truck.home  # noqa: B018
        assert not isinstance(e.value, AttributeError)
        with pytest.raises(NotLoadedError, match=r'crew is not loaded; add \.prefetch\("crew"\)$'):
            truck.crew  # noqa: B018
        with pytest.raises(NotLoadedError, match="licence is not loaded"):
            truck.licence  # noqa: B018
        assert "home=" not in repr(truck)
        assert "crew" not in truck.model_dump()
        assert '"licence"' not in truck.model_dump_json()
        for copied in (copy.copy(truck), copy.deepcopy(truck), pickle.loads(pickle.dumps(truck))):
            assert copied == truck
            with pytest.raises(NotLoadedError):
                copied.home  # noqa: B018
    assert read == await Truck.objects.get(plate="A")


async def test_fields_left_out_raise_though_they_have_defaults(
    fleet: db.AsyncDatabase, raising: None
) -> None:
    await Truck.objects.create(plate="A", home_code="N4")
    truck = await Truck.objects.only("plate").get(plate="A")
    with pytest.raises(
        NotLoadedError, match=r'home_code is not loaded; call refresh\(fields=\["home_code"\]\)'
    ):
        truck.home_code  # noqa: B018
    assert repr(truck) == f"Truck(id={truck.id}, plate='A')"
    await truck.refresh(["home"])
    assert truck.home_code == "N4"


async def test_what_counts_as_loaded_does_not_raise(fleet: db.AsyncDatabase, raising: None) -> None:
    new = Truck(plate="B", home_code="N4")
    assert (new.home, new.crew, new.licence) == (None, [], None)
    visit = await Visit().save()
    read = await Visit.objects.get(id=visit.id)
    assert (visit.berth, read.berth, read.truck) == (None, None, None)
    assert {"berth": None, "truck": None}.items() <= read.model_dump().items()
    assert "berth" in (await Visit.objects.only("berth_number").get(id=visit.id)).model_dump()
    assert "berth" not in (await Visit.objects.only("truck").get(id=visit.id)).model_dump()
    north = await Depot.objects.get(pk="N4")
    truck = await Truck.objects.create(plate="A", home=north)
    assert truck.home is north
    await truck.save()
    await truck.refresh()
    assert truck.home is north
    truck.home_code = "S1"
    with pytest.raises(NotLoadedError):
        truck.home  # noqa: B018
    assert "home=" not in repr(truck)
    truck.home = north
    assert truck.home_code == "N4"
    truck.crew = []
    assert truck.crew == []


async def test_the_model_says_otherwise(fleet: db.AsyncDatabase) -> None:
    class Strict(Truck):
        class Meta(Truck.Meta):
            unloaded = "raise"

    class Mild(Truck):
        class Meta(Truck.Meta):
            unloaded = "empty"

    await Truck.objects.create(plate="A", home_code="N4")
    with pytest.raises(NotLoadedError, match=r"Strict\.home"):
        (await Strict.objects.get(plate="A")).home  # noqa: B018
    configure(unloaded="raise")
    try:
        assert (await Mild.objects.get(plate="A")).home is None
        with pytest.raises(NotLoadedError):
            (await Truck.objects.get(plate="A")).home  # noqa: B018
    finally:
        configure(unloaded="empty")
    assert (await Truck.objects.get(plate="A")).home is None


async def test_models_with_validators_leave_unloaded_relations_out(
    fleet: db.AsyncDatabase, raising: None
) -> None:
    await Checked.objects.create(home_code="N4")
    read = await Checked.objects.get()
    with pytest.raises(NotLoadedError):
        read.home  # noqa: B018
    assert "home=" not in repr(read)
    read.home = N4
    await read.save()
    assert read.home is N4


async def test_rows_of_related_models_keep_the_fast_path(fleet: db.AsyncDatabase) -> None:
    from oxyde.models._proof import prove

    def reason(model: Any) -> str:
        columns = {name: column.column_type for name, column in model._db_meta.columns.items()}
        from oxyde import _core

        kinds = {
            name: (_core.KIND_NAMES[t.load_kind], _core.KIND_NAMES[t.load_elem or "unknown"])
            for name, t in columns.items()
            if t is not None
        }
        proof = prove(model, kinds)
        assert {rule[0] for rule in proof.fields.values()} <= {_core.LOAD_IDENTITY, _core.LOAD_LENGTH}
        return proof.reason

    assert [reason(model) for model in FLEET] == [""] * len(FLEET)


def test_the_json_schema_names_both() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for mode in ("validation", "serialization"):
            schema: Any = Post.model_json_schema(mode=mode)
            assert schema["required"] == ["title", "author_id"]
            assert schema["properties"]["author"] == {
                "anyOf": [{"$ref": "#/$defs/Person"}, {"type": "null"}],
                "default": None,
                "title": "Author",
            }
            assert schema["properties"]["author_id"] == {"title": "Author Id", "type": "integer"}
            assert set(schema["$defs"]) == {"Person", "Truck", "Depot", "Region", "Licence"}
        depot: Any = Depot.model_json_schema()
        assert depot["$defs"]["Depot"]["properties"]["trucks"] == {
            "items": {"$ref": "#/$defs/Truck"},
            "title": "Trucks",
            "type": "array",
        }
    assert Licence.model_json_schema()["$defs"]["Licence"]["required"] == ["number", "truck_id"]


def test_loaded_relations_are_dumped_with_the_model() -> None:
    north = Depot(code="N4", trucks=[Truck(plate="A", home_code="N4")])
    dump = north.model_dump()
    assert dump["trucks"] == [north.trucks[0].model_dump()]
    assert north.model_dump(include={"trucks": {"__all__": {"plate"}}}) == {"trucks": [{"plate": "A"}]}
    assert Depot.model_validate_json(north.model_dump_json()) == north
    assert north.model_dump(exclude={"trucks", "region"}) == {
        "code": "N4",
        "label": "",
        "region_code": None,
    }


# --- with join() ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["empty", "raise"])
async def test_joined_relations_stay_in_step(fleet: db.AsyncDatabase, rule: Any) -> None:
    north = await Depot.objects.get(pk="N4")
    made = await Truck.objects.create(plate="A", home=north)
    await Licence.objects.create(number="L", truck=made)
    configure(unloaded=rule)
    try:
        truck = await Truck.objects.join("home", "licence").get(plate="A")
        assert truck.home == await Depot.objects.get(pk="N4")
        assert is_loaded(truck, "home")
        assert truck.licence is not None
        truck.plate = "B"
        await truck.save()
        await truck.refresh()
        assert is_loaded(truck, "home")
        assert is_loaded(truck, "licence")
        assert truck.model_dump()["home"]["code"] == "N4"
        for copied in (copy.copy(truck), truck.model_copy(), pickle.loads(pickle.dumps(truck))):
            assert is_loaded(copied, "home")
            assert copied == truck
        truck.home_code = "S1"
        assert not is_loaded(truck, "home")
        await truck.save()
        assert (await Truck.objects.get(plate="B")).home_code == "S1"
        assert not is_loaded(truck, "home")
        assert is_loaded(truck, "licence")
        if rule == "raise":
            with pytest.raises(NotLoadedError):
                truck.home  # noqa: B018
            with pytest.raises(NotLoadedError):
                truck.licence.truck  # noqa: B018
        else:
            assert (truck.home, truck.licence.truck) == (None, None)
    finally:
        configure(unloaded="empty")


class Tag(Model, frozen=True, strict=True):
    """Neither assignment nor lax input."""

    id: int | None = Field(default=None, db_pk=True)
    home: Depot
    owner: Person | None = Field(default=None, alias="ownedBy")

    class Meta:
        is_table = True
        table_name = "step_tags"


async def test_frozen_and_strict_models_with_relations(fresh_database: Server) -> None:
    async with served(fresh_database, [*FLEET, Tag]):
        north = await Depot.objects.create(code="N4")
        ana = Person(name="Ana")
        tag = Tag(home=north, ownedBy=ana)
        await ana.save()
        await tag.save()
        assert (tag.home_code, tag.owner_id) == ("N4", ana.id)
        assert hash(await Tag.objects.get()) == hash(await Tag.objects.get())
        read = await Tag.objects.join("home").get(home=north)
        assert read.home.code == "N4"
        await read.save()
        await read.refresh()
        assert is_loaded(read, "home")
        assert Tag.model_validate(read.model_dump()) == read
        with pytest.raises(pydantic.ValidationError, match="frozen"):
            read.home = north
        assert read.home is not north
        assert read.model_dump(by_alias=True)["ownedBy"] is None
