"""SQL of paths across relations: what is joined, what becomes EXISTS, what needs neither."""

from __future__ import annotations

from typing import Any

import pytest
from routes import Crate, Hall, Land
from sql_support import sql, where

from oxyde import F, FieldError, FieldLookupError, FieldLookupValueError, OuterRef, Q

C, H = Crate.objects, Hall.objects

JOIN_HALL = 'LEFT JOIN "route_halls" AS "hall" ON "route_crates"."hall_id" = "hall"."id"'
JOIN_LAND = 'LEFT JOIN "route_lands" AS "hall_land" ON "hall"."land_id" = "hall_land"."id"'


def joins(query: Any) -> str:
    """What stands between the base table and WHERE."""
    return sql(query.values("id")).partition(' FROM "route_crates"')[2].partition(" WHERE ")[0].strip()


@pytest.mark.parametrize("name", ["hall", "hall_id", "hall__id", "hall__pk"])
def test_what_the_foreign_key_holds_needs_no_join(name: str) -> None:
    assert where(C.filter(**{name: 3})) == ('"hall_id" = $1', [3])
    assert where(C.filter(**{f"{name}__isnull": True})) == ('"hall_id" IS NULL', [])


def test_each_prefix_is_joined_once() -> None:
    query = C.filter(hall__land__code="x", hall__label="y").order_by("hall__land__code")
    assert joins(query) == f"{JOIN_HALL} {JOIN_LAND}"
    assert where(query)[0] == (
        '"hall_land"."code" = $1 AND "hall"."hall_label" = $2 ORDER BY "hall_land"."code"'
    )


def test_a_path_ends_in_the_column_nearest_to_the_base() -> None:
    query = C.filter(hall__land__id=3)
    assert joins(query) == JOIN_HALL
    assert where(query)[0] == '"hall"."land_id" = $1'


def test_columns_of_a_join_can_be_null() -> None:
    assert where(C.exclude(hall__land__code="x"))[0] == '("hall_land"."code" = $1) IS NOT TRUE'


def test_nothing_of_a_path_is_selected() -> None:
    assert sql(C.filter(hall__label="x").values("id")).startswith('SELECT "route_crates"."id" FROM')


def test_an_alias_may_be_made_from_the_relation_of_its_name() -> None:
    for query in (
        C.values("id", hall=F("hall__land__code")),
        C.annotate(hall=F("hall__land__code")).values("id", "hall"),
    ):
        assert sql(query).startswith('SELECT "route_crates"."id", "hall_land"."code" AS "hall" FROM')
        assert JOIN_HALL in sql(query)


EXISTS = 'EXISTS (SELECT 1 FROM "route_crates" WHERE "hall_id" = "route_halls"."id"'


def test_keywords_of_one_call_are_about_one_row() -> None:
    assert where(H.filter(crates__weight=1, crates__ref="a"))[0] == (
        f'{EXISTS} AND "weight" = $1 AND "ref" = $2)'
    )
    assert where(H.filter(Q(crates__weight=1, crates__ref="a")))[0] == (
        f'{EXISTS} AND "weight" = $1 AND "ref" = $2)'
    )


def test_separate_calls_are_about_any_rows() -> None:
    apart = f'{EXISTS} AND "weight" = $1) AND {EXISTS} AND "ref" = $2)'
    assert where(H.filter(crates__weight=1).filter(crates__ref="a"))[0] == apart
    assert where(H.filter(Q(crates__weight=1), crates__ref="a"))[0] == apart
    assert where(H.filter(Q(crates__weight=1) & Q(crates__ref="a")))[0] == apart


def test_absence_is_not_about_a_row() -> None:
    assert where(H.filter(crates__isnull=True))[0] == f"NOT {EXISTS})"
    assert where(H.filter(crates=None))[0] == f"NOT {EXISTS})"
    assert where(H.filter(crates__isnull=False))[0] == f"{EXISTS})"
    assert where(H.filter(crates__isnull=True, crates__weight=1))[0] == (
        f'NOT {EXISTS}) AND {EXISTS} AND "weight" = $1)'
    )


def test_to_many_beyond_to_many_is_grouped_as_well() -> None:
    text, params = where(H.filter(crates__tags__text="x", crates__tags__id=3, crates__ref="y"))
    assert text.count("EXISTS") == 2
    assert params == ["x", 3, "y"]


def test_values_of_conditions_on_many_rows_are_names_of_the_model() -> None:
    assert where(H.filter(crates__weight__gt=F("land_id")))[0] == (
        f'{EXISTS} AND "weight" > "route_halls"."land_id")'
    )
    query = Land.objects.filter(id__in=H.filter(crates__weight=OuterRef("id")).values("land_id"))
    assert where(query)[0].endswith('"weight" = "route_lands"."id"))')


@pytest.mark.parametrize(
    ("keywords", "error", "text"),
    [
        ({"hall__lable": 1}, FieldError, "Hall has no field 'lable'; did you mean 'label'"),
        ({"hall__land__cod": 1}, FieldError, "Land has no field 'cod'; did you mean 'code'"),
        ({"crats__weight": 1}, FieldError, "Crate has no field 'crats'"),
        ({"ref__label": 1}, FieldLookupError, "Crate.ref has no lookup 'label'"),
        ({"ref__label__x": 1}, FieldLookupError, "Crate.ref is neither a relation nor a JSON field"),
        ({"hall__label__year": 1}, FieldLookupError, "'year' is not allowed for Hall.label"),
        ({"hall__contains": 1}, FieldLookupError, "'contains' is not allowed for Crate.hall"),
        ({"tags__gt": 1}, FieldLookupError, "'gt' is not allowed for Crate.tags"),
        ({"hall": "x"}, FieldLookupValueError, "Crate.hall_id"),
        ({"hall": Hall()}, FieldLookupValueError, "Hall is not saved"),
        ({"hall__in": [Hall()]}, FieldLookupValueError, "Hall is not saved"),
        ({"hall": Land(code="x")}, FieldLookupValueError, "Crate.hall_id"),
        ({"hall__land__gt": None}, FieldLookupValueError, "cannot be None"),
        ({"__hall": 1}, FieldLookupError, "does not begin with a name"),
    ],
)
def test_what_is_wrong_with_a_path_is_said_at_the_call(
    keywords: dict[str, Any], error: type[Exception], text: str
) -> None:
    for method in (C.filter, C.exclude):
        with pytest.raises(error, match=text) as raised:
            method(**keywords)
        assert type(raised.value) is error


def test_many_rows_have_no_single_value() -> None:
    for query in (H.values("crates__weight"), H.order_by("crates__weight"), H.group_by("crates").values()):
        with pytest.raises(FieldLookupError, match="leads to many rows"):
            query.sql()
