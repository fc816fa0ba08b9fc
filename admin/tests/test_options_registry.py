"""Registering models: options are known, and every name in them is."""

from __future__ import annotations

import datetime

import pytest

from oxyde import Field, Model
from oxyde_admin.config import ModelAdmin
from oxyde_admin.exceptions import ModelNotFoundError
from oxyde_admin.options.actions import action
from oxyde_admin.options.columns import column
from oxyde_admin.options.inline import Inline
from oxyde_admin.options.registry import Registry


class Yard(Model):
    id: int | None = Field(default=None, db_pk=True)
    label: str
    pin: str = Field(default="", exclude=True)
    crates: list[Crate] = Field(db_reverse_fk="yard")
    tags: list[Tag] = Field(db_m2m=True, db_through="YardTag")

    class Meta:
        is_table = True


class Tag(Model):
    id: int | None = Field(default=None, db_pk=True)
    text: str

    class Meta:
        is_table = True


class YardTag(Model):
    id: int | None = Field(default=None, db_pk=True)
    yard: Yard | None = None
    tag: Tag | None = None

    class Meta:
        is_table = True


class Crate(Model):
    id: int | None = Field(default=None, db_pk=True)
    ref: str = Field(db_column="reference")
    weight: int = 0
    packed: datetime.date | None = None
    extra: dict = {}
    yard: Yard | None = None

    class Meta:
        is_table = True


class Event(Model):
    text: str

    class Meta:
        is_table = True


class Config(Model):
    id: int | None = Field(default=None, db_pk=True)

    class Meta:
        is_table = True
        table_name = "config"


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_a_second_registration_is_refused(registry):
    registry.register(Crate)
    with pytest.raises(ValueError, match="already registered"):
        registry.register(Crate)


def test_an_unknown_option_names_the_nearest(registry):
    with pytest.raises(TypeError, match=r"list_dispaly.*list_display"):
        registry.register(Crate, list_dispaly=["id"])
    assert Crate not in registry.models


@pytest.mark.parametrize(
    ("options", "nearest"),
    [
        ({"list_display": ["refs"]}, "ref"),
        ({"search_fields": ["yard__lable"]}, "label"),
        ({"list_filter": ["wieght"]}, "weight"),
        ({"readonly_fields": ["weigth"]}, "weight"),
        ({"exclude_fields": ["weigth"]}, "weight"),
        ({"ordering": ["-weigth"]}, "weight"),
        ({"display_field": "reff"}, "ref"),
        ({"column_labels": {"wight": "kg"}}, "weight"),
        ({"help_texts": {"wight": "kg"}}, "weight"),
        ({"form_fields": ["wight"]}, "weight"),
        ({"fieldsets": [("One", ["wight"])]}, "weight"),
        ({"widgets": {"ref": "texarea"}}, "textarea"),
        ({"widgets": {"weigth": "text"}}, "weight"),
        ({"field_access": {"weigth": {"view": ["hr"]}}}, "weight"),
        ({"field_access": {"weight": {"veiw": ["hr"]}}}, "view"),
        ({"access": {"chnge": ["hr"]}}, "change"),
        ({"chart": "pakced"}, "packed"),
        ({"version_field": "weigth"}, "weight"),
    ],
)
def test_a_name_that_is_nothing_names_the_nearest(registry, options, nearest):
    with pytest.raises(ValueError, match=f"did you mean '{nearest}'"):
        registry.register(Crate, **options)
    assert Crate not in registry.models


@pytest.mark.parametrize(
    "options",
    [
        {"list_display": ["weight"]},
        {"search_fields": ["weight"]},
        {"list_filter": ["weight"]},
        {"ordering": ["weight"]},
        {"form_fields": ["weight"]},
        {"readonly_fields": ["weight"]},
        {"column_labels": {"weight": "kg"}},
        {"version_field": "weight"},
    ],
)
def test_an_excluded_name_may_not_stand_in_another_option(registry, options):
    with pytest.raises(ValueError, match="excluded"):
        registry.register(Crate, exclude_fields=["weight"], **options)


def test_a_path_through_an_excluded_field_of_another_model_is_refused(registry):
    with pytest.raises(ValueError, match="excluded"):
        registry.register(Crate, search_fields=["yard__pin"])
    registry.register(Yard, exclude_fields=["label"])
    with pytest.raises(ValueError, match="excluded"):
        registry.register(Crate, search_fields=["yard__label"])


def test_names_are_read_as_fields_columns_and_paths(registry):
    registry.register(
        Crate,
        list_display=["reference", "yard", "packed"],
        search_fields=["reference", "yard__label"],
        list_filter=["extra__colour", "packed__year", "yard"],
        ordering=["-yard__label", "reference"],
    )
    resource = registry.resource("crate")
    assert resource.listed == ("ref", "yard_id", "packed")
    assert resource.searched == ("ref", "yard__label")
    assert resource.filtered == ("extra__colour", "packed__year", "yard")
    assert resource.ordering == ("-yard__label", "ref")


def test_fields_keep_the_model_order_and_hide_relations_with_their_ids(registry):
    registry.register(Crate, exclude_fields=["yard"])
    resource = registry.resource("crate")
    assert list(resource.fields) == ["id", "ref", "weight", "packed", "extra", "yard", "yard_id"]
    assert resource.excluded == {"yard", "yard_id"}
    assert resource.fields["yard_id"].relation == "yard"
    assert resource.fields["yard"].ids == ("yard_id",)
    assert "yard" not in resource.forms
    registry.register(Yard)
    tags = registry.resource("yard").fields["tags"]
    assert (tags.shape, tags.target, tags.link.through) == ("many_to_many", Tag, YardTag)
    assert "crates" not in registry.resource("yard").fields


def test_the_key_cannot_be_excluded(registry):
    with pytest.raises(ValueError, match="key"):
        registry.register(Crate, exclude_fields=["id"])


def test_class_attributes_are_defaults_and_arguments_win(registry):
    class CrateAdmin(ModelAdmin):
        group = "Stock"
        icon = "pi pi-box"

    registry.register(Crate, CrateAdmin, icon="pi pi-truck")
    admin = registry.models[Crate]
    assert (admin.group, admin.icon, admin.label) == ("Stock", "pi pi-truck", None)
    with pytest.raises(TypeError, match="not both"):
        registry.register(Yard, CrateAdmin(), group="Other")


def test_an_option_of_the_wrong_kind_is_a_type_error(registry):
    with pytest.raises(TypeError, match="list of names"):
        registry.register(Crate, list_display="ref")
    with pytest.raises(TypeError, match="True or False"):
        registry.register(Crate, exportable="no")


def test_slugs_do_not_collide_with_routes_or_each_other(registry):
    class Other(Model):
        id: int | None = Field(default=None, db_pk=True)

        class Meta:
            is_table = True
            table_name = "crate"
            schema = "archive"

    class Third(Model):
        id: int | None = Field(default=None, db_pk=True)

        class Meta:
            is_table = True
            table_name = "crate"

    registry.register(Config)
    registry.register(Crate)
    registry.register(Other)
    assert [resource.slug for resource in registry.resources()] == ["~63onfig", "crate", "archive.crate"]
    assert registry.resource("~63onfig").model is Config
    with pytest.raises(ValueError, match="slug"):
        registry.register(Third)
    registry.register(Third, slug="third")
    with pytest.raises(ValueError, match="slug"):
        registry.register(Tag, slug="third")
    with pytest.raises(ModelNotFoundError):
        registry.resource("nothing")


def test_register_all_takes_what_is_left(registry):
    registry.register(Crate, slug="mine")
    others = {model for model in __import__("oxyde").models.iter_tables() if model not in {Crate, Yard, Tag}}
    registry.register_all(exclude=others)
    assert list(registry.models) == [Crate, Yard, Tag]
    registry.exclude(Tag)
    registry.exclude(Tag)
    assert list(registry.models) == [Crate, Yard]


def test_registering_after_the_first_request_works(registry):
    registry.register(Crate)
    assert len(registry.resources()) == 1
    registry.register(Yard, inlines=[Inline(Crate)])
    assert [resource.slug for resource in registry.resources()] == ["crate", "yard"]


def test_a_pending_model_is_checked_in_the_first_request(registry):
    class Early(Model):
        id: int | None = Field(default=None, db_pk=True)
        late: Late | None = None

        class Meta:
            is_table = True

    registry.register(Early, list_display=["lat_id"])

    class Late(Model):
        id: int | None = Field(default=None, db_pk=True)

        class Meta:
            is_table = True

    with pytest.raises(ValueError, match=r"lat_id.*did you mean 'late_id'"):
        registry.resources()
    assert any("lat_id" in problem for problem in registry.problems())


def test_inlines_find_their_foreign_key(registry):
    registry.register(Yard, inlines=[Inline(Crate, fields=["ref", "weight"], max=5)])
    inline = registry.resource("yard").inlines["crate"]
    assert (inline.fk, inline.fields, inline.max) == ("yard", ("ref", "weight"), 5)
    with pytest.raises(ValueError, match=r"Tag.*none"):
        registry.register(Config, inlines=[Inline(Tag)])
    registry.exclude(Yard)
    with pytest.raises(ValueError, match="did you mean 'weight'"):
        registry.register(Yard, inlines=[Inline(Crate, fields=["wieght"])])


def test_two_inlines_of_one_model_are_told_apart(registry):
    class Transfer(Model):
        id: int | None = Field(default=None, db_pk=True)
        source: Yard | None = None
        target: Yard | None = None

        class Meta:
            is_table = True

    with pytest.raises(ValueError, match=r"several: source, target"):
        registry.register(Yard, inlines=[Inline(Transfer)])
    registry.register(Yard, inlines=[Inline(Transfer, fk="source"), Inline(Transfer, fk="target_id")])
    assert list(registry.resource("yard").inlines) == ["transfer.source", "transfer.target"]


def test_methods_become_columns_and_actions(registry):
    class CrateAdmin(ModelAdmin):
        list_display = ["ref", "kg"]
        ordering = ["-kg"]
        access = {"send": ["chief"]}

        @column("Weight, kg", ordering="weight")
        async def kg(self, ctx, record):
            return record.weight / 1000

        @action("Send")
        async def send(self, ctx, rows):
            return "sent"

    registry.register(Crate, CrateAdmin)
    resource = registry.resource("crate")
    assert (resource.listed, resource.ordering) == (("ref", "kg"), ("-weight",))
    assert resource.computed["kg"].label == "Weight, kg"
    assert resource.offered[-1] == "send"


def test_names_of_columns_and_actions_are_checked(registry):
    class Shadow(ModelAdmin):
        @column()
        async def weight(self, ctx, record):
            return 1

    class BuiltIn(ModelAdmin):
        @action("Delete")
        async def delete(self, ctx, rows):
            return None

    with pytest.raises(ValueError, match="name of a field"):
        registry.register(Crate, Shadow)
    with pytest.raises(ValueError, match="built-in"):
        registry.register(Crate, BuiltIn)
    with pytest.raises(TypeError, match=r"must take \(self, ctx, rows\)"):

        @action("Bad")
        async def bad(self, ctx):
            return None


def test_a_model_without_key_is_listed_and_exported_only(registry):
    registry.register(Event)
    assert registry.resource("event").offered == ("view", "export")


def test_only_tables_are_registered(registry):
    class Plain(Model):
        text: str

    with pytest.raises(ValueError, match="no table"):
        registry.register(Plain)
