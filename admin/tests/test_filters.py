"""Filters and search of lists, by kind of field (contract, 7.1)."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import depots
import pytest
from everywhere import ON_ALL
from reading import listed, rights_on

from oxyde import AsyncDatabase, related
from oxyde_admin.exceptions import InvalidParameterError
from oxyde_admin.options.model_admin import ModelAdmin
from oxyde_admin.rows.filters import arguments_of, narrow
from oxyde_admin.site import AdminSite

Panels = Callable[..., AdminSite]
FILTERS = [
    "code", "depot", "origin_id", "depot__city", "weight", "price", "ratio", "sent", "fragile", "grade",
    "size", "note", "due", "at", "takes", "packed", "seen", "uid", "host", "words", "marks", "extra",
    "extra__box__size", "address", "label", "tags", "tags__label", "packed__hour",
]  # fmt: skip


@pytest.fixture
async def stocked(database: AsyncDatabase, new_panel: Panels) -> AdminSite:
    """Three parcels: `A` has everything, `B` little, `C` nothing that may be absent."""
    north = await depots.Depot.objects.create(name="north", city="Oslo")
    south = await depots.Depot.objects.create(name="south", city="Rome")
    red, blue = [await depots.Tag.objects.create(code=c, label=f"the {c} one") for c in ("red", "b,l/ue")]
    full = await depots.Parcel.objects.create(
        code="A", depot=north, origin=south, weight=3, price=Decimal("2.50"), ratio=0.5, sent=True,
        fragile=True, grade="fine", size="s", note="50% Ärger_x", due=date(2031, 5, 6), at=time(7, 8),
        takes=timedelta(days=1, seconds=2), packed=datetime(2031, 5, 6, 7, 8, 9, 10),
        seen=datetime(2031, 5, 6, 22, tzinfo=timezone.utc), uid=uuid.UUID(int=1), host="10.0.0.1",
        words=["ab", "c,d"], marks={1, 2}, extra={"box": {"size": 3}}, address={"street": "x", "number": 1},
        label=b"\x00",
    )  # fmt: skip
    await related(full, "tags").add(red, blue)
    some = await depots.Parcel.objects.create(
        code="B", depot=south, weight=10, price=Decimal("10"), fragile=False, grade="royal", size="l",
        note="500", due=date(2031, 6, 1), packed=datetime(2031, 6, 1), words=["ab"],
        extra={"box": {"size": "3"}}, uid=uuid.UUID(int=2),
    )  # fmt: skip
    await related(some, "tags").add(red)
    await depots.Parcel.objects.create(code="C", depot=south, uid=uuid.UUID(int=3))
    site = new_panel(depots.Depot, depots.Tag)
    site.register(depots.Parcel, list_filter=FILTERS, search_fields=["code", "note", "weight", "depot__city"])
    return site


CASES: list[tuple[dict[str, Any], str]] = [
    ({"code": "a"}, "A"),
    ({"code__exact": "A"}, "A"),
    ({"code__exact": "AB"}, ""),
    ({"code__in": "A,B"}, "AB"),
    ({"code__startswith": "A"}, "A"),
    ({"note": "50%"}, "A"),
    ({"note": "_"}, "A"),
    ({"note": "äRGER"}, "A"),
    ({"note__isnull": "TRUE"}, "C"),
    ({"note": ""}, "ABC"),
    ({"depot": 1}, "A"),
    ({"depot_id": 2}, "BC"),
    ({"depot_id__in": "1,2"}, "ABC"),
    ({"origin": 2}, "A"),
    ({"origin__isnull": "true"}, "BC"),
    ({"origin_id__isnull": "false"}, "A"),
    ({"depot__city": "os"}, "A"),
    ({"weight": 3}, "A"),
    ({"weight__gte": 3, "weight__lt": 10}, "A"),
    ({"weight__in": "0,10"}, "BC"),
    ({"price": "2.5"}, "A"),
    ({"price__gt": "2.50"}, "B"),
    ({"price__lte": "10"}, "ABC"),
    ({"ratio": "0.5"}, "A"),
    ({"ratio__isnull": "true"}, "BC"),
    ({"sent": "True"}, "A"),
    ({"fragile": "FALSE"}, "B"),
    ({"fragile__isnull": "true"}, "C"),
    ({"grade": "fine"}, "A"),
    ({"grade__ne": "fine"}, "BC"),
    ({"grade__in": "fine,royal"}, "AB"),
    ({"size": "s"}, "A"),
    ({"due": "2031-05-06"}, "A"),
    ({"due__gt": "2031-05-06"}, "B"),
    ({"at": "07:08"}, "A"),
    ({"takes": "P1DT2S"}, "A"),
    ({"packed": "2031-05-06T07:08:09.000010"}, "A"),
    ({"packed__date": "2031-05-06"}, "A"),
    ({"packed__gte": "2031-05-06"}, "AB"),
    ({"packed__hour": 7}, "A"),
    ({"packed__hour__in": "0,7"}, "AB"),
    ({"seen": "2031-05-07T00:00:00+02:00"}, "A"),
    ({"seen__date": "2031-05-06"}, "A"),
    ({"uid": str(uuid.UUID(int=1))}, "A"),
    ({"uid__ne": str(uuid.UUID(int=1))}, "BC"),
    ({"host": "10.0.0.1"}, "A"),
    ({"host__isnull": "true"}, "BC"),
    ({"words": "ab"}, "AB"),
    ({"words": "c,d"}, "A"),
    ({"words__overlap": "x,c~2Cd"}, "A"),
    ({"words__len": 1}, "B"),
    ({"marks": 2}, "A"),
    ({"extra__isnull": "false"}, "ABC"),
    ({"extra__box__size": 3}, "AB"),
    ({"address__isnull": "true"}, "BC"),
    ({"label__isnull": "false"}, "A"),
    ({"tags": "red"}, "AB"),
    ({"tags": "b,l/ue"}, "A"),
    ({"tags__in": "b~2Cl/ue"}, "A"),
    ({"tags__isnull": "true"}, "C"),
    ({"tags__label": "BLUE"}, ""),
    ({"tags__label": "THE RED"}, "AB"),
    ({"search": "50"}, "AB"),
    ({"search": "50%"}, "A"),
    ({"search": "_x"}, "A"),
    ({"search": "10"}, "B"),
    ({"search": "rom"}, "BC"),
    ({"search": "nothing"}, ""),
    ({"search": "\0"}, ""),
    ({"search": "1" * 200}, ""),
]


@ON_ALL
async def test_filters_and_search(stocked: AdminSite) -> None:
    wrong = []
    for arguments, expected in CASES:
        found = await listed(stocked, depots.Parcel, ordering="code", **arguments)
        codes = "".join(item["code"] for item in found.items)
        if codes != expected or found.total != len(expected) or found.ignored:
            wrong.append((arguments, expected, codes))
    assert not wrong


BAD: list[dict[str, Any]] = [
    {"weight": "x"},
    {"weight": "1.5"},
    {"weight": str(1 << 63)},
    {"weight__startswith": "1"},
    {"weight__": "1"},
    {"price": "NaN"},
    {"price": "1E+1000000000"},
    {"ratio": "nan"},
    {"sent": "1"},
    {"sent__in": "true"},
    {"sent__isnull": "x"},
    {"grade": "unknown"},
    {"due": "7"},
    {"due": "2031-13-01"},
    {"packed__date": "x"},
    {"due__date": "2031-01-01"},
    {"takes": "x"},
    {"uid": "x"},
    {"host": "x"},
    {"words__len": "x"},
    {"extra": "1"},
    {"code": "a\0"},
    {"code__in": "a~z"},
    {"code__regex": "a"},
    {"search": "x" * 201},
    {"page": "x"},
    {"per_page": "1.5"},
    {"count": "some"},
    {"after": "a", "before": "b"},
    {"ordering": "unknown"},
    {"ordering": "words"},
    {"ordering": "tags"},
    {"ordering": "tags__label"},
    {"ordering": "weight__"},
    {"ordering": "~"},
]


@pytest.mark.parametrize("arguments", BAD, ids=str)
async def test_what_cannot_be_used_is_refused(stocked: AdminSite, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        await listed(stocked, depots.Parcel, **arguments)
    assert caught.value.code == "bad_parameter"


async def test_unknown_filters_are_ignored_or_refused(stocked: AdminSite) -> None:
    found = await listed(stocked, depots.Parcel, made="2031-01-01", nonsense="1", weight="3")
    assert found.ignored == ["made", "nonsense"]
    assert [item["code"] for item in found.items] == ["A"]
    with pytest.raises(InvalidParameterError):
        rights = rights_on(stocked, depots.Parcel)
        await narrow(await rights.rows(), rights, [("nonsense", "1")], refuse=True)


async def test_filters_of_a_selection_are_json(stocked: AdminSite) -> None:
    rights = rights_on(stocked, depots.Parcel)
    filters = {"weight__in": [3, 10], "words": "ab", "sent": True, "note": None}
    query, _ = await narrow(await rights.rows(), rights, arguments_of(filters), refuse=True)
    assert [row.code for row in await query.all()] == ["A"]
    with pytest.raises(InvalidParameterError):
        arguments_of({"weight": {"gt": 3}})


async def test_without_search_fields_search_is_ignored(panel: AdminSite) -> None:
    await depots.Depot.objects.create(name="x")
    assert (await listed(panel, depots.Depot, search="nothing")).total == 1


async def test_rows_that_do_not_exist_for_the_user_are_not_felt(
    stocked: AdminSite, new_panel: Panels
) -> None:
    class DepotAdmin(ModelAdmin):
        async def query(self, ctx: Any, q: Any) -> Any:
            return q.filter(city="Oslo")

    class TagAdmin(ModelAdmin):
        async def query(self, ctx: Any, q: Any) -> Any:
            return q.exclude(code="red")

    site = new_panel(depots.Event)
    site.register(depots.Depot, DepotAdmin)
    site.register(depots.Tag, TagAdmin)
    site.register(
        depots.Parcel, list_filter=["depot__city", "tags", "tags__label"], search_fields=["depot__city"]
    )

    async def codes(**arguments: Any) -> str:
        found = await listed(site, depots.Parcel, **{"ordering": "code", **arguments})
        return "".join(item["code"] for item in found.items)

    assert await codes(depot__city="o") == "A"
    assert await codes(search="rome") == ""
    assert await codes(depot__city__isnull="true") == "BC"
    assert await codes(tags="red") == ""
    assert await codes(tags__label="the") == "A"
    assert await codes(tags__isnull="true") == "BC"
    # B and C stand where rows without a depot stand, in the order of their keys.
    assert await codes(ordering="depot__city") == "BCA"
    found = await listed(site, depots.Parcel, ordering="depot__city", per_page=1)
    assert found.next is not None
    raw = base64.urlsafe_b64decode(found.next + "==")
    assert b"Rome" not in raw
    assert found.fk_labels == {"depot_id": {}, "origin_id": {}}
    found = await listed(site, depots.Parcel, ordering="code")
    assert found.fk_labels["depot_id"] == {"1": "north"}
    assert [[tag["code"] for tag in item["tags"]] for item in found.items] == [["b,l/ue"], [], []]
