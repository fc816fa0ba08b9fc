"""Lookups: what each keyword becomes, and what it refuses at the call."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from parcels import Berth, Note, Parcel, State
from sql_support import P, lookup, where

from oxyde import F, Field, FieldError, FieldLookupError, FieldLookupValueError, Model, Q, _core

DAY = datetime(2031, 5, 6)


class Scale(Model):
    id: int | None = Field(default=None, db_pk=True)
    range: int = 0
    len: int = 0

    class Meta:
        is_table = True


class Ruler(Model):
    id: int | None = Field(default=None, db_pk=True)
    scale: Scale | None = None

    class Meta:
        is_table = True


@pytest.mark.parametrize(
    ("keywords", "text", "params"),
    [
        ({"ref": "a"}, '"ref" = $1', ["a"]),
        ({"ref__exact": "a"}, '"ref" = $1', ["a"]),
        ({"note": "a"}, '"remark" = $1', ["a"]),
        ({"pk": 3}, '"id" = $1', [3]),
        ({"note": None}, '"remark" IS NULL', []),
        ({"note__ne": None}, '"remark" IS NOT NULL', []),
        ({"weight__ne": 3}, '"weight" <> $1', [3]),
        ({"weight__gt": 3}, '"weight" > $1', [3]),
        ({"weight__gte": 3}, '"weight" >= $1', [3]),
        ({"weight__lt": 3}, '"weight" < $1', [3]),
        ({"weight__lte": 3}, '"weight" <= $1', [3]),
        ({"weight__between": (1, 3)}, '"weight" BETWEEN $1 AND $2', [1, 3]),
        ({"weight__range": [1, 3]}, '"weight" BETWEEN $1 AND $2', [1, 3]),
        ({"weight__in": [1, None, 3]}, '"weight" IN ($1, $2)', [1, 3]),
        ({"weight__in": []}, "FALSE", []),
        ({"weight__in": [None]}, "FALSE", []),
        ({"due__isnull": 1}, '"due" IS NULL', []),
        ({"due__isnull": ""}, '"due" IS NOT NULL', []),
        ({"ref__contains": "a"}, '"ref" LIKE $1', ["%a%"]),
        ({"ref__startswith": "a"}, '"ref" LIKE $1', ["a%"]),
        ({"ref__endswith": "a"}, '"ref" LIKE $1', ["%a"]),
        ({"ref__contains": "5%_\\"}, "\"ref\" LIKE $1 ESCAPE E'\\\\'", ["%5\\%\\_\\\\%"]),
        ({"ref__icontains": "A"}, 'LOWER("ref") LIKE LOWER($1)', ["%A%"]),
        ({"ref__iexact": "A"}, 'LOWER("ref") = LOWER($1)', ["A"]),
        ({"note__iexact": None}, '"remark" IS NULL', []),
        ({"ref__regex": "^a"}, '"ref" ~ $1', ["^a"]),
        ({"ref__iregex": "^a"}, '"ref" ~* $1', ["^a"]),
        ({"state": State.NEW}, '"state" = $1::"state_enum"', ["new"]),
        (
            {"state__in": ["new", State.SENT]},
            '"state" IN ($1::"state_enum", $2::"state_enum")',
            ["new", "sent"],
        ),
    ],
)
def test_a_lookup_renders_as_the_contract_says(
    keywords: dict[str, Any], text: str, params: list[Any]
) -> None:
    assert lookup(**keywords) == (text, params)


@pytest.mark.parametrize(
    ("keywords", "text", "params"),
    [
        ({"ref__contains": "a*[?"}, '"ref" GLOB ?', ["*a[*][[][?]*"]),
        ({"weight__in": []}, "0", []),
        ({"price__gt": "2.50"}, '"price" COLLATE oxy_decimal > ?', [Decimal("2.50")]),
        ({"state": "new"}, '"state" = ?', ["new"]),
    ],
)
def test_sqlite_differs_where_the_contract_says(
    keywords: dict[str, Any], text: str, params: list[Any]
) -> None:
    assert lookup("sqlite", **keywords) == (text, params)


@pytest.mark.parametrize(
    ("keywords", "bounds"),
    [
        ({"sent__year": 2031}, [datetime(2031, 1, 1), datetime(2032, 1, 1)]),
        ({"sent__year": [2031]}, [datetime(2031, 1, 1), datetime(2032, 1, 1)]),
        ({"sent__month": (2031, 12)}, [datetime(2031, 12, 1), datetime(2032, 1, 1)]),
        ({"sent__day": (2032, 2, 29)}, [datetime(2032, 2, 29), datetime(2032, 3, 1)]),
        ({"sent__date": date(2031, 12, 31)}, [datetime(2031, 12, 31), datetime(2032, 1, 1)]),
        ({"due__month": (2031, 2)}, [date(2031, 2, 1), date(2031, 3, 1)]),
        ({"due__day": (1, 1, 1)}, [date(1, 1, 1), date(1, 1, 2)]),
    ],
)
def test_a_date_lookup_is_a_half_open_range(keywords: dict[str, Any], bounds: list[Any]) -> None:
    text, params = lookup(**keywords)
    column = '"due"' if "due" in next(iter(keywords)) else '"sent"'
    assert text == f"{column} >= $1 AND {column} < $2"
    assert params == bounds


def test_a_range_beyond_the_calendar_has_no_upper_bound() -> None:
    assert lookup(sent__year=9999) == ('"sent" >= $1', [datetime(9999, 1, 1)])
    assert lookup(sent__day=(9999, 12, 31)) == ('"sent" >= $1', [datetime(9999, 12, 31)])


def test_a_part_may_be_compared() -> None:
    assert lookup(sent__hour__gte=9) == ('EXTRACT(HOUR FROM "sent")::bigint >= $1', [9])
    assert lookup(sent__hour=9)[0].endswith("= $1")
    assert lookup(sent__year__in=[2030, 2031])[1] == [2030, 2031]
    assert lookup(sent__time__gt=time(3))[1] == [time(3)]
    assert lookup(due__quarter__between=(1, 2))[1] == [1, 2]


def test_what_follows_a_month_is_explained() -> None:
    with pytest.raises(FieldLookupError, match=r'nothing follows .month.*sent\.extract\("month"\)'):
        P.filter(sent__month__exact=3)


@pytest.mark.parametrize(
    "keywords",
    [
        {"sent__month": 3},
        {"sent__day": 3},
        {"sent__year": "2031"},
        {"sent__year": True},
        {"sent__month": (2031, 13)},
        {"sent__day": (2031, 2, 29)},
        {"sent__month": (2031, 1, 1)},
        {"sent__year": 0},
        {"sent__date": DAY},
        {"sent__hour": "9"},
        {"sent__time": "03:00"},
        {"weight": "heavy"},
        {"weight__gt": None},
        {"weight__in": "12"},
        {"weight__in": b"12"},
        {"weight__in": 12},
        {"weight__between": (1, 2, 3)},
        {"weight__between": {1, 2}},
        {"weight__between": "12"},
        {"weight__range": (1, None)},
        {"weight": 2**63},
        {"ref": "\ud800"},
        {"ref__contains": 3},
        {"ref__startswith": None},
        {"state": "lost"},
        {"state__in": ["new", "lost"]},
        {"due": "tomorrow"},
        {"marks__contains": "a"},
        {"marks__len": "2"},
        {"extra__has_key": 3},
        {"extra__has_keys": "ab"},
    ],
)
def test_a_bad_value_is_refused_at_the_call(keywords: dict[str, Any]) -> None:
    with pytest.raises(FieldLookupValueError) as caught:
        P.filter(**keywords)
    keyword = next(iter(keywords))
    assert f"Parcel.{keyword.split('__')[0]}" in str(caught.value)
    assert keyword in str(caught.value)


def test_the_reason_of_a_failed_conversion_is_its_cause() -> None:
    with pytest.raises(FieldLookupValueError) as caught:
        P.filter(weight="heavy")
    assert "int_parsing" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ("ref__foo", "has no lookup 'foo'"),
        ("weight__contains", "lookup 'contains' is not allowed for Parcel.weight"),
        ("state__gt", "lookup 'gt' is not allowed"),
        ("due__hour", "lookup 'hour' is not allowed"),
        ("sent__month__gte", "nothing follows 'month', which takes a tuple"),
        ("sent__hour__contains", "lookup 'contains' is not allowed"),
        ("ref__a__b", "neither a relation nor a JSON field"),
        ("__ref", "does not begin with a name"),
    ],
)
def test_an_unknown_lookup_is_refused_at_the_call(keyword: str, words: str) -> None:
    with pytest.raises(FieldLookupError, match=words):
        P.filter(**{keyword: 1})


def test_an_unknown_field_names_its_neighbours() -> None:
    with pytest.raises(FieldError, match=r"Parcel has no field 'wieght'.*weight"):
        P.filter(wieght=3)
    with pytest.raises(FieldError, match="has no field 'wieght'"):
        P.exclude(Q(wieght__gt=3))
    with pytest.raises(FieldError, match="has no field 'remark'"):
        P.filter(remark="column names are no names")


@pytest.mark.parametrize(
    ("value", "bound"),
    [("7", 7), (7.0, 7), (True, 1), (2.5, 2.5), (Decimal("2.5"), Decimal("2.5"))],
)
def test_numbers_keep_their_value(value: Any, bound: Any) -> None:
    assert lookup(weight__gt=value) == ('"weight" > $1', [bound])


def test_values_convert_as_pydantic_does_in_lax_mode() -> None:
    assert lookup(due="2031-05-06")[1] == [date(2031, 5, 6)]
    assert lookup(sent="2031-05-06T01:02:03")[1] == [datetime(2031, 5, 6, 1, 2, 3)]
    assert lookup(sent=date(2031, 5, 6))[1] == [datetime(2031, 5, 6)]
    assert lookup(price=1)[1] == [Decimal(1)]
    assert lookup(price__in=["1.50", 2.5])[1] == [Decimal("1.50"), Decimal("2.5")]


def test_constraints_of_the_field_do_not_bind_filters() -> None:
    assert lookup(weight__gt=-5)[1] == [-5]
    assert lookup(ref="x" * 50)[1] == ["x" * 50]


def test_iterables_are_consumed_at_the_call() -> None:
    query = P.filter(weight__in=(n for n in (1, 2)))
    assert query.sql()[1] == query.sql()[1] == [1, 2]
    either = P.filter(Q(weight__in=iter([3])) | Q(id__in={4}))
    assert either.sql()[1] == either.sql()[1] == [3, 4]


def test_an_expression_may_be_the_value() -> None:
    assert lookup(weight__gt=F("depot_id") + 1) == ('"weight" > "depot_id" + $1', [1])
    assert lookup(ref=F("note")) == ('"ref" = "remark"', [])


@pytest.mark.parametrize(
    ("keywords", "params"),
    [
        ({"extra__size__w__gte": 3}, [3]),
        ({"extra__tags__0": "x"}, ["x"]),
        ({"extra__k": True}, [True]),
        ({"extra__k": {"a": [1]}}, [{"a": [1]}]),
        ({"extra__k": None}, [None]),
        ({"extra__k__isnull": True}, []),
        ({"extra__k__in": [1, 2]}, [1, 2]),
        ({"extra__k__between": ("a", "b")}, ["a", "b"]),
        ({"extra__k__icontains": "x"}, ["%x%"]),
        ({"extra__k__contains": ["x"]}, [["x"]]),
        ({"extra__k": date(2031, 5, 6)}, ["2031-05-06"]),
        ({"extra__gte": 3}, [3]),
        ({"extra__contains": {"a": date(2031, 5, 6)}}, [{"a": "2031-05-06"}]),
        ({"extra__has_key": "a"}, ["a"]),
        ({"extra__has_any_keys": ["a", "b"]}, ["a", "b"]),
        ({"marks__contains": ["a"]}, [["a"]]),
        ({"marks__overlap": ("a",)}, [["a"]]),
        ({"marks": ["a", "b"]}, [["a", "b"]]),
        ({"marks__len__gt": 2}, [2]),
        ({"marks__0": "a"}, ["a"]),
    ],
)
def test_json_and_arrays_bind_python_values(keywords: dict[str, Any], params: list[Any]) -> None:
    for dialect in ("postgres", "sqlite", "mysql"):
        assert lookup(dialect, **keywords)[1] == params


def test_a_name_like_a_lookup_needs_exact() -> None:
    def path(**keywords: Any) -> str:
        return lookup("sqlite", **keywords)[0]

    assert '"gt"' not in path(extra__a__gt=3)
    assert '$."a"."gt"' in path(extra__a__gt__exact=3)
    assert '$."has_key"' not in path(extra__has_key="a")
    assert '$."has_key"' in path(extra__has_key__exact="a")
    assert '$."a"."has_key"' in path(extra__a__has_key="b")
    assert where(Ruler.objects.filter(scale__range__exact=3)) == ('"scale"."range" = $1', [3])
    assert where(Ruler.objects.filter(scale__range__range=(1, 2)))[0] == '"scale"."range" BETWEEN $1 AND $2'
    assert where(Ruler.objects.filter(scale__gt=3)) == ('"scale_id" > $1', [3])
    # "range" is a lookup of relations, "len" is none: there the field of the other side is meant.
    assert where(Ruler.objects.filter(scale__range=(1, 2)))[0] == '"scale_id" BETWEEN $1 AND $2'
    assert where(Ruler.objects.filter(scale__len=3)) == ('"scale"."len" = $1', [3])
    assert where(Ruler.objects.filter(Ruler.scale.range >= 3)) == ('"scale"."range" >= $1', [3])
    assert where(Ruler.objects.filter(Ruler.scale.range == 3)) == ('"scale"."range" = $1', [3])
    assert Ruler.objects.order_by("scale__range").sql()[0].endswith('ORDER BY "scale"."range"')


def test_a_json_null_is_not_a_missing_key() -> None:
    null, missing = lookup("sqlite", extra__k=None), lookup("sqlite", extra__k__isnull=True)
    assert null[0] != missing[0]
    assert missing[0].endswith("IS NULL")


def test_exclude_negates_the_group_and_keeps_unknown_rows() -> None:
    assert where(P.exclude(ref="a")) == ('NOT "ref" = $1', ["a"])
    assert where(P.exclude(note="a")) == ('("remark" = $1) IS NOT TRUE', ["a"])
    assert where(P.exclude(ref="a", weight=1)) == ('NOT ("ref" = $1 AND "weight" = $2)', ["a", 1])
    assert where(P.exclude(weight__in=[]))[0] in ("", "TRUE")
    assert where(P.exclude()) == ("", [])


def test_empty_conditions_vanish() -> None:
    assert where(P.filter(Q(), ~Q())) == ("", [])
    assert where(P.filter(Q() & Q(weight=1))) == ('"weight" = $1', [1])


def test_thousands_of_conditions_are_one_level() -> None:
    query = P.filter(weight=0)
    some = Q(weight=0)
    for n in range(10_000):
        some = some | Q(weight=n)
    assert len(query.filter(some).sql(dialect="sqlite")[1]) == 10_002


def test_nesting_has_a_limit() -> None:
    deep = Q(weight=0)
    for n in range(1_000):
        deep = ~(deep & Q(id=n))
    with pytest.raises(ValueError, match="nested deeper"):
        P.filter(deep)


def test_composite_keys_compare_as_tuples() -> None:
    text, params = Berth.objects.filter(pk=("a", "1")).sql()
    assert text.endswith('WHERE "harbour" = $1 AND "number" = $2')
    assert params == ["a", 1]
    text, params = Berth.objects.filter(pk__in=[("a", 1), ["b", 2]]).sql()
    assert '("harbour", "number") IN' in text
    assert params == ["a", 1, "b", 2]
    assert Berth.objects.filter(pk__ne=("a", 1)).sql()[0].endswith('WHERE "harbour" <> $1 OR "number" <> $2')
    for bad in ("a", ("a",), ("a", 1, 2), ("a", "x")):
        with pytest.raises(FieldLookupValueError):
            Berth.objects.filter(pk=bad)


def test_aliases_have_the_lookups_of_their_type() -> None:
    heavy = P.annotate(kg=F("weight") * 2)
    assert where(heavy.filter(kg__gte=3)) == ('"weight" * $1 >= $2', [2, 3])
    with pytest.raises(FieldLookupError, match="'contains' is not allowed"):
        heavy.filter(kg__contains="a")
    with pytest.raises(FieldLookupValueError):
        heavy.filter(kg="much")
    with pytest.raises(FieldError, match="no field 'kg'"):
        P.filter(kg__gte=3)


def test_conditions_are_checked_at_the_call_too() -> None:
    with pytest.raises(FieldLookupValueError):
        P.filter(Parcel.weight == "heavy")
    with pytest.raises(FieldError):
        P.filter(F("wieght") > 1)
    with pytest.raises(TypeError, match="no condition"):
        P.filter(F("weight"))
    with pytest.raises(TypeError):
        P.filter("ref")


def test_a_query_of_keys_or_values_may_follow_in() -> None:
    assert "IN (SELECT" in lookup(id__in=P.filter(weight=3))[0]
    assert 'SELECT "text"' in lookup(ref__in=Note.objects.values("text"))[0]
    with pytest.raises(FieldError, match="2"):
        P.filter(id__in=P.values("id", "ref")).sql()


def test_the_lookups_of_a_category_are_exported() -> None:
    base = {"exact", "ne", "in", "isnull"}
    compared = {"gt", "gte", "lt", "lte", "between", "range"}
    assert _core.LOOKUPS[_core.CAT_PLAIN] == ("exact", "ne", "in", "isnull")
    assert "regex" in _core.LOOKUPS[_core.CAT_STRING]
    assert "search" not in _core.LOOKUPS[_core.CAT_STRING]
    assert "hour" not in _core.LOOKUPS[_core.CAT_DATE]
    assert {*_core.LOOKUPS[_core.CAT_ARRAY]} - base == {"contains", "contained_by", "overlap", "len"}
    keys = {"has_key", "has_keys", "has_any_keys"}
    assert {*_core.LOOKUPS[_core.CAT_JSON]} - base == {"contains", "contained_by", *keys}
    assert {*_core.LOOKUPS[_core.CAT_ORDERED]} - base == compared
    assert {*_core.LOOKUPS[_core.CAT_NUMERIC]} - base == compared
    assert {*_core.LOOKUPS[_core.CAT_TIME]} - base == {*compared, "hour", "minute", "second"}
    assert set(_core.LOOKUPS) == set(range(9))
