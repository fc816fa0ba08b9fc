"""SELECT: what is selected, grouped, ordered, combined and nested."""

from __future__ import annotations

from typing import Any

import pytest
from parcels import Berth, Note, Parcel
from sql_support import P, sql

from oxyde import (
    Case,
    Coalesce,
    Count,
    Exists,
    F,
    FieldError,
    FieldLookupError,
    ManagerError,
    Max,
    OuterRef,
    Q,
    RawSQL,
    Subquery,
    Sum,
    Value,
    When,
)
from oxyde.queries.functions import Lower, Trunc

ALL = '"id", "ref", "weight", "price", "sent", "due", "remark", "state", "extra", "marks", "depot_id"'


def body(query: Any, dialect: str = "postgres") -> str:
    return sql(query, dialect).replace(ALL, "*")


# --- columns ----------------------------------------------------------------------


def test_models_select_every_column_in_order() -> None:
    assert sql(P.filter()) == f'SELECT {ALL} FROM "parcels"'


def test_partial_models_always_load_the_key() -> None:
    assert body(P.only("note")) == 'SELECT "id", "remark" FROM "parcels"'
    assert '"extra"' not in sql(P.defer("extra", "id"))
    assert '"id"' in sql(P.defer("extra", "id"))
    with pytest.raises(FieldError, match="no field 'nope'"):
        P.only("nope").sql()


def test_values_select_names_paths_and_expressions() -> None:
    query = P.values("note", "sent__year", "extra__a", kg=F("weight") / 1000)
    assert body(query) == (
        'SELECT "remark", EXTRACT(YEAR FROM "sent")::bigint AS "sent__year", '
        '"extra" #> \'{"a"}\' AS "extra__a", "weight"::double precision / $1 AS "kg" FROM "parcels"'
    )


def test_an_alias_shadows_a_field_only_outside_of_models() -> None:
    assert body(P.annotate(weight=F("weight") + 1).values("weight")).startswith(
        'SELECT "weight" + $1 AS "weight"'
    )
    with pytest.raises(FieldError, match="alias 'weight' is a field"):
        P.annotate(weight=F("id")).sql()


def test_aliases_may_use_aliases_but_not_themselves() -> None:
    assert body(P.annotate(a=F("weight") + 1, b=F("a") * 2).values("b")).startswith(
        'SELECT ("weight" + $1) * $2'
    )
    with pytest.raises(FieldError, match="defined by itself"):
        P.annotate(a=F("b"), b=F("a")).sql()


def test_a_composite_key_is_no_column() -> None:
    with pytest.raises(FieldError, match="is a key of 2 fields"):
        Berth.objects.values("pk").sql()


def test_literals_take_the_type_of_what_they_stand_beside() -> None:
    assert '$1::"state_enum"' in sql(P.values(s=Coalesce("state", Value("new"))))
    assert '$1::"state_enum"' in sql(P.filter(Parcel.state == "new"))


# --- groups ------------------------------------------------------------------------


def test_the_contracts_example_of_groups() -> None:
    query = (
        P.annotate(n=Count("*"), kg=Sum("weight"))
        .group_by("depot_id")
        .having(kg__gte=50)
        .order_by("-kg")
        .values("depot_id", "n", "kg")
    )
    assert sql(query) == (
        'SELECT "depot_id", COUNT(*) AS "n", SUM("weight") AS "kg" FROM "parcels" '
        'GROUP BY "depot_id" HAVING SUM("weight") >= $1 ORDER BY "kg" DESC'
    )


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (lambda: P.annotate(n=Count("*")).values(), 'SELECT COUNT(*) AS "n" FROM "parcels"'),
        (
            lambda: P.values("state", n=Count("*")),
            'SELECT "state", COUNT(*) AS "n" FROM "parcels" GROUP BY "state"',
        ),
        (
            lambda: P.values("state", "weight", n=Count("*")),
            'SELECT "state", "weight", COUNT(*) AS "n" FROM "parcels" GROUP BY "state", "weight"',
        ),
        (
            lambda: P.annotate(twice=F("weight") + F("weight")).values("state", "twice"),
            'SELECT "state", "weight" + "weight" AS "twice" FROM "parcels"',
        ),
        (
            lambda: P.annotate(n=Count("*")),
            'SELECT *, COUNT(*) AS "n" FROM "parcels" GROUP BY "id"',
        ),
        (
            lambda: P.annotate(n=Count("*")).group_by("state", month=Trunc("sent", "month")).values(),
            'SELECT "state", DATE_TRUNC(\'month\', "sent") AS "month", COUNT(*) AS "n" FROM "parcels" '
            'GROUP BY "state", "month"',
        ),
        (lambda: P.group_by("state").values("state"), 'SELECT "state" FROM "parcels" GROUP BY "state"'),
        (
            lambda: P.group_by("state").having(Count("*") > 1).values("state"),
            'SELECT "state" FROM "parcels" GROUP BY "state" HAVING COUNT(*) > $1',
        ),
    ],
)
def test_groups_follow_the_table_of_the_contract(query: Any, text: str) -> None:
    assert body(query()) == text


def test_a_filter_on_an_aggregate_goes_to_having() -> None:
    query = P.annotate(n=Count("*")).filter(ref="a", n__gt=1)
    assert body(query).endswith('WHERE "ref" = $1 GROUP BY "id" HAVING COUNT(*) > $2')


def test_having_is_about_groups() -> None:
    query = P.group_by("weight").having(weight__gt=1, n__gt=2).annotate(n=Count("*")).values("weight")
    assert body(query).endswith('GROUP BY "weight" HAVING "weight" > $1 AND COUNT(*) > $2')


def test_what_is_not_grouped_cannot_be_selected() -> None:
    for query in (
        P.group_by("state").values("ref"),
        P.group_by("state").values("state", kg=F("weight") + 1),
        P.annotate(n=Count("*")).group_by("n").values(),
        P.annotate(n=Sum(Count("*"))).values(),
        P.annotate(n=Sum("ref")).values(),
    ):
        with pytest.raises(FieldError):
            query.sql()
    assert "GROUP BY" in sql(P.group_by("weight").values("weight", kg=F("weight") + 1))


def test_models_cannot_be_grouped() -> None:
    with pytest.raises(TypeError, match=r"group_by\(\).*\.values\(\)"):
        P.group_by("state").sql()


def test_a_grouped_expression_binds_its_values_once() -> None:
    size = Case(When(weight__gte=50, then=Value("L")), default=Value("S"))
    text, params = P.annotate(size=size).group_by("size").annotate(n=Count("*")).values().sql()
    assert text.endswith('GROUP BY "size"')
    assert params == [50, "L", "S"]


# --- order, limits ---------------------------------------------------------------------


def test_order_takes_names_aliases_and_expressions() -> None:
    query = P.annotate(kg=F("weight") * 2).order_by("ref", "-note", "-kg", Lower("ref"), "pk")
    assert sql(query).partition(" ORDER BY ")[2] == '"ref", "remark" DESC, "kg" DESC, LOWER("ref"), "id"'


def test_reverse_turns_terms_and_nulls() -> None:
    query = P.order_by("ref", Parcel.sent.desc(nulls_last=True)).reverse()
    assert sql(query).partition(" ORDER BY ")[2] == '"ref" DESC, "sent" NULLS FIRST'


def test_the_models_order_applies_where_rows_come_out() -> None:
    notes = Note.objects
    assert sql(notes.filter(rank=1)).endswith('ORDER BY "rank" DESC')
    assert sql(notes.reverse()).endswith('ORDER BY "rank"')
    assert "ORDER BY" not in sql(notes.order_by())
    assert "ORDER BY" not in sql(notes.values("text", n=Count("*")))
    assert "ORDER BY" not in sql(P.filter(ref__in=notes.values("text")))
    assert "ORDER BY" in sql(P.filter(ref__in=notes.values("text")[:3]))


def test_a_random_order_excludes_distinct() -> None:
    with pytest.raises(ValueError, match="random"):
        P.order_by("?").distinct().sql()
    with pytest.raises(ValueError, match="random"):
        P.order_by("?").distinct("ref").sql()


def test_offset_alone_needs_a_limit_elsewhere() -> None:
    assert sql(P.offset(3)).endswith("OFFSET $1")
    assert sql(P.offset(3), "sqlite").endswith("LIMIT -1 OFFSET ?")
    assert sql(P.offset(3), "mysql").endswith("LIMIT 18446744073709551615 OFFSET ?")


def test_slices_compose() -> None:
    assert P.filter()[10:20][2:4].sql()[1] == [2, 12]
    assert P.limit(3)[1:9].sql()[1] == [2, 1]
    assert P.filter()[5:][2:].sql()[1] == [7]
    assert P.filter()[4:2].sql()[1] == [0, 4]
    with pytest.raises(ValueError, match="64 bits"):
        P.filter()[2**62 :][2**62 :]


# --- set operations -------------------------------------------------------------------------


def test_operands_stand_side_by_side() -> None:
    query = P.filter(id=1).values("id").union(P.filter(id=2).values("id")).order_by("-id").limit(3)
    assert query.sql() == (
        'SELECT "id" FROM "parcels" WHERE "id" = $1 UNION SELECT "id" FROM "parcels" WHERE "id" = $2 '
        'ORDER BY "id" DESC LIMIT $3',
        [1, 2, 3],
    )


def test_a_limited_operand_keeps_its_limit() -> None:
    query = P.order_by("id").values("id")[:2].union_all(P.values("id"))
    assert sql(query) == (
        'SELECT "id" FROM (SELECT "id" FROM "parcels" ORDER BY "id" LIMIT $1) AS "u1" '
        'UNION ALL SELECT "id" FROM "parcels"'
    )


def test_an_order_without_a_limit_is_that_of_all_rows() -> None:
    assert sql(P.order_by("-id").values("id").union_all(P.values("id"))).endswith('ORDER BY "id" DESC')
    assert not sql(P.order_by("-id").values("id")[:2].union_all(P.values("id"))).endswith("DESC")


def test_operators_apply_from_left_to_right() -> None:
    one, two, three = (P.filter(id=n).values("id") for n in (1, 2, 3))
    text = sql(one.union(two).intersection(three))
    assert text.index("UNION") < text.index('AS "u1"') < text.index("INTERSECT")


def test_conditions_after_a_union_apply_to_all_rows() -> None:
    query = P.filter(id=1).values("id", "ref").union(P.filter(id=2).values("id", "ref")).filter(ref="a")
    text, params = query.sql()
    assert text.endswith('AS "u1" WHERE "ref" = $3')
    assert params == [1, 2, "a"]


def test_an_empty_operand_has_no_rows() -> None:
    assert "WHERE FALSE UNION" in sql(P.none().values("id").union(P.values("id")))


def test_what_cannot_be_combined_is_refused() -> None:
    with pytest.raises(FieldError, match="same number of columns"):
        P.values("id").union(P.values("id", "ref")).sql()
    with pytest.raises(FieldError, match="same number of columns"):
        P.values("id", "ref").union(P.values("id")).sql()
    with pytest.raises(FieldError, match="'ref' is not"):
        P.values("id").union(P.values("id")).order_by("ref").sql()
    with pytest.raises(ManagerError):
        P.for_update().union(P.filter())


# --- subqueries -------------------------------------------------------------------------------


def test_outer_references_reach_the_enclosing_query() -> None:
    twin = P.filter(weight=OuterRef("weight")).exclude(id=OuterRef("id"))
    assert body(P.filter(Exists(twin))).endswith(
        'WHERE EXISTS (SELECT 1 FROM "parcels" AS "u1" '
        'WHERE "weight" = "parcels"."weight" AND NOT "id" = "parcels"."id")'
    )
    with pytest.raises(ValueError, match="not inside a subquery"):
        P.filter(weight=OuterRef("id")).sql()


def test_a_scalar_subquery_selects_one_column() -> None:
    newest = Note.objects.filter(text=OuterRef("ref")).values("rank")[:1]
    assert body(P.values("id", rank=Subquery(newest))).startswith(
        'SELECT "id", (SELECT "rank" FROM "notes" WHERE "text" = "parcels"."ref" '
        'ORDER BY "rank" DESC LIMIT $1) '
    )
    with pytest.raises(FieldError, match="one column"):
        P.annotate(x=Subquery(Note.objects.values("text", "rank"))).sql()


# --- the rest -----------------------------------------------------------------------------------


def test_locks_render_where_the_database_has_them() -> None:
    query = P.for_update(skip_locked=True)
    assert sql(query).endswith("FOR UPDATE SKIP LOCKED")
    assert "FOR" not in sql(query, "sqlite")
    with pytest.raises(FieldLookupError, match="depot"):
        P.for_update(of=("depot",)).sql()


def test_raw_sql_takes_its_text_as_it_is() -> None:
    assert body(P.filter(RawSQL("ref LIKE 'a%'"))).endswith("WHERE (ref LIKE 'a%')")
    text, params = P.filter(RawSQL("length(ref) %% %s = 0", [2])).sql()
    assert text.endswith("WHERE (length(ref) % $1 = 0)")
    assert params == [2]
    with pytest.raises(ValueError, match="places for values"):
        P.filter(RawSQL("ref = %s", ["a", "b"]))


def test_only_models_and_fields_that_exist_are_named() -> None:
    for query in (
        P.order_by("nope"),
        P.values("nope"),
        P.annotate(x=Max("nope")),
        P.group_by("nope").values(),
    ):
        with pytest.raises(FieldError, match="no field 'nope'"):
            query.sql()


def test_equal_shapes_have_equal_text() -> None:
    one = P.filter(Q(weight__gt=1) | Q(ref="a")).order_by("-sent")[:3].sql()
    two = P.filter(Q(weight__gt=2) | Q(ref="b")).order_by("-sent")[:9].sql()
    assert one[0] == two[0]
    assert one[1] != two[1]


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(ValueError, match="no dialect"):
        P.filter().sql(dialect="oracle")
