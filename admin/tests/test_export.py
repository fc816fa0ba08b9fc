"""Export: CSV, JSON and workbooks."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import depots
import openpyxl
import pytest
from client import Client
from everywhere import EVERYWHERE
from test_session import NewPanel

from oxyde import AsyncDatabase, execute_raw
from oxyde_admin import ModelAdmin, column
from oxyde_admin.http.message import Request
from oxyde_admin.transfer.guard import guarded, unguarded
from oxyde_admin.transfer.xlsx import column_name

DANGEROUS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "  =1+1",
    "\t=1",
    "\tx",
    "\rx",
    "\nx",
    "'=1",
    "''=1",
    "' =1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
    "\u00a0=1",
    '=HYPERLINK("http://x")',
]
HARMLESS = ["", "a=1", "'quoted'", "plain", "1-1", "it's", "'", "2031-01-01", "€"]


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


async def make_depot(**values: Any) -> Any:
    return await depots.Depot.objects.create(**{"name": "North", **values})


@pytest.mark.parametrize("text", [*DANGEROUS, *HARMLESS])
def test_apostrophe_is_added_where_it_must_and_taken_away_again(text: str) -> None:
    assert guarded(text) == ("'" + text if text in DANGEROUS else text)
    assert unguarded(guarded(text)) == text


@EVERYWHERE
async def test_csv_of_every_kind_of_value(database: AsyncDatabase, new_panel: NewPanel) -> None:
    depot = await make_depot()
    for code in ("a,b", "c"):
        await depots.Tag.objects.create(code=code, label="x")
    parcel = await depots.Parcel.objects.create(
        code="A-1",
        depot=depot,
        weight=5,
        price=Decimal("-4.50"),
        ratio=-0.5,
        fragile=False,
        grade=depots.Grade.FINE,
        note='=say "hi",\r\nthere',
        due=date(2031, 5, 6),
        at=time(7, 8),
        takes=timedelta(hours=-1),
        seen=datetime(2031, 5, 6, 7, 8, tzinfo=timezone.utc),
        words=["x", 'y"'],
        extra={"k": [1, None]},
        label=b"\x00\xff",
        tags=[],
    )
    for code in ("a,b", "c"):
        await depots.ParcelTag.objects.create(parcel_id=parcel.id, tag_code=code)
    answer = await Client(new_panel()).get("/api/parcels/export?format=csv")
    assert answer.status == 200, answer.text
    assert answer.headers["content-disposition"] == 'attachment; filename="parcels.csv"'
    assert answer.headers["content-type"].startswith("text/csv")
    assert not answer.content.startswith(b"\xef\xbb\xbf")
    header, row = rows_of(answer.text)
    held = dict(zip(header, row, strict=True))
    assert header[:3] == ["id", "code", "depot_id"] and "depot" not in held
    assert held["price"] == "-4.50" and held["ratio"] == "-0.5", "numbers are never guarded"
    assert held["note"] == '\'=say "hi",\r\nthere'
    assert held["fragile"] == "false" and held["grade"] == "fine" and held["origin_id"] == ""
    assert held["due"] == "2031-05-06" and held["seen"] == "2031-05-06T07:08:00+00:00"
    assert held["takes"].startswith("'-")
    assert json.loads(held["words"]) == ["x", 'y"'] and json.loads(held["extra"]) == {"k": [1, None]}
    assert json.loads(held["tags"]) == ["a,b", "c"] and held["label"] == "AP8="
    assert answer.content.count(b"\r\n") == 3
    with_bom = await Client(new_panel()).get("/api/parcels/export?bom=1")
    assert with_bom.content == b"\xef\xbb\xbf" + answer.content


async def test_header_of_an_empty_table_and_null_beside_empty_text(
    database: Any, new_panel: NewPanel
) -> None:
    client = Client(new_panel())
    assert (await client.get("/api/depots/export")).content == b"id,name,city,manager_id\r\n"
    assert (await client.get("/api/depots/export?format=json")).json() == []
    await make_depot()
    assert (await client.get("/api/depots/export")).content.endswith(b'1,North,"",\r\n')


async def test_json_is_an_array_of_records(database: Any, new_panel: NewPanel) -> None:
    depot = await make_depot()
    await depots.Tag.objects.create(code="t", label="x")
    parcel = await depots.Parcel.objects.create(code="A-1", depot=depot)
    await depots.ParcelTag.objects.create(parcel_id=parcel.id, tag_code="t")
    client = Client(new_panel())
    (exported,) = (await client.get("/api/parcels/export?format=json")).json()
    assert exported == (await client.get(f"/api/parcels/{parcel.id}")).json()


@EVERYWHERE
@pytest.mark.parametrize("ordering", ["", "city", "-city,name", "manager_id"])
async def test_chunks_hold_every_row_once_in_order(database: Any, new_panel: NewPanel, ordering: str) -> None:
    await depots.Depot.objects.bulk_create(
        [
            {"name": f"d{n:03}", "city": f"c{n % 3}", "manager_id": None if n % 4 == 0 else n % 5}
            for n in range(57)
        ]
    )
    client = Client(new_panel(export_chunk_size=5))
    answer = await client.get("/api/depots/export", query={"format": "json", "ordering": ordering})
    names = [record["name"] for record in answer.json()]
    listed = await client.get("/api/depots", query={"per_page": 100, "ordering": ordering})
    assert names == [record["name"] for record in listed.json()["items"]] and len(names) == 57


async def test_selection_search_filters_and_columns(database: Any, new_panel: NewPanel) -> None:
    site = new_panel(depots.Tag, depots.Shelf)
    site.register(depots.Depot, search_fields=["name"], list_filter=["city"])
    for n, city in enumerate(["x", "y", "x"]):
        await make_depot(name=f"d{n}", city=city)
    await depots.Shelf.objects.create(hall="a,b", number=1)
    await depots.Shelf.objects.create(hall="c", number=2)
    client = Client(site)

    async def names(query: dict[str, str]) -> list[str]:
        answer = await client.get("/api/depots/export", query={"format": "json", **query})
        return [record["name"] for record in answer.json()]

    assert await names({"ids": "3,1"}) == ["d0", "d2"]
    assert await names({"search": "D1"}) == ["d1"]
    assert await names({"city": "x", "ordering": "-name"}) == ["d2", "d0"]
    assert await names({"ids": ""}) == []
    shelves = await client.get("/api/shelves/export", query={"ids": "a~7E2Cb~2C1", "columns": "number,hall"})
    assert rows_of(shelves.text) == [["number", "hall"], ["1", "a,b"]]
    for query in ({"name": "x"}, {"nonsense": "1"}, {"city__gt": "a"}, {"columns": "nonsense"}, {"ids": "x"}):
        refused = await client.get("/api/depots/export", query=query)
        assert (refused.status, refused.json()["code"]) == (400, "bad_parameter"), query
    assert (await client.get("/api/depots/export?format=pdf")).json()["code"] == "bad_parameter"


async def test_refused_before_the_first_byte(database: Any, new_panel: NewPanel) -> None:
    await depots.Depot.objects.bulk_create([{"name": f"d{n}"} for n in range(4)])
    client = Client(new_panel(max_export_rows=3))
    refused = await client.get("/api/depots/export")
    assert (refused.status, refused.json()["code"]) == (400, "too_many")
    assert (await client.get("/api/depots/export?ids=1,2,3")).status == 200
    shut = site_with(new_panel, exportable=False)
    refused = await Client(shut).get("/api/depots/export")
    assert (refused.status, refused.json()["code"]) == (403, "export_disabled")


def site_with(new_panel: NewPanel, **options: Any) -> Any:
    site = new_panel(depots.Tag)
    site.register(depots.Depot, **options)
    return site


async def test_rows_and_fields_that_do_not_exist_for_the_user(database: Any, new_panel: NewPanel) -> None:
    class Mine(ModelAdmin):
        field_access = {"city": {"view": ["chief"]}}

        async def query(self, ctx: Any, q: Any) -> Any:
            return q.filter(manager_id=1)

    site = new_panel(depots.Tag)
    site.register(depots.Depot, Mine)
    await make_depot(name="mine", manager_id=1, city="secret-city")
    other = await make_depot(name="others", manager_id=2, city="secret-city")
    client = Client(site)
    for kind in ("csv", "json"):
        answer = await client.get(f"/api/depots/export?format={kind}")
        assert "mine" in answer.text and "others" not in answer.text
        assert "city" not in answer.text
    assert "others" not in (await client.get(f"/api/depots/export?ids={other.id}")).text
    hidden = await client.get("/api/depots/export?columns=city")
    unknown = await client.get("/api/depots/export?columns=nonsense")
    assert hidden.status == 400 and hidden.json()["detail"] == unknown.json()["detail"]


async def test_one_refused_record_refuses_the_export(database: Any, new_panel: NewPanel) -> None:
    class Careful(ModelAdmin):
        async def can(self, ctx: Any, action: str, record: Any = None) -> bool:
            return action != "export" or record is None or record.name != "private"

    site = new_panel(depots.Tag)
    site.register(depots.Depot, Careful)
    await make_depot()
    assert (await Client(site).get("/api/depots/export")).status == 200
    await make_depot(name="private")
    assert (await Client(site).get("/api/depots/export")).status == 403


async def test_computed_columns_when_asked_for(database: Any, new_panel: NewPanel) -> None:
    class Shouting(ModelAdmin):
        @column("Loud")
        async def loud(self, ctx: Any, record: Any) -> str:
            return str(record.name).upper()

    site = new_panel(depots.Tag)
    site.register(depots.Depot, Shouting)
    await make_depot()
    answer = await Client(site).get("/api/depots/export?columns=loud,id")
    assert rows_of(answer.text) == [["id", "loud"], ["1", "NORTH"]]


async def test_secrets_and_rows_the_model_rejects(database: Any, new_panel: NewPanel) -> None:
    await depots.Account.objects.create(email="a@example.org", token="hidden-token", password_hash="hashed")
    await execute_raw("UPDATE accounts SET email = 'no address'")
    for kind in ("csv", "json", "xlsx"):
        answer = await Client(new_panel()).get(f"/api/accounts/export?format={kind}")
        assert answer.status == 200 and b"hidden-token" not in answer.content
        assert b"password_hash" not in answer.content
        if kind == "csv":
            assert "no address" in answer.text and "**********" in answer.text


async def test_model_without_key(database: Any, new_panel: NewPanel) -> None:
    await depots.Reading.objects.bulk_create([{"sensor": f"s{n}", "value": n} for n in range(7)])
    client = Client(new_panel(export_chunk_size=3))
    answer = await client.get("/api/readings/export")
    assert len(rows_of(answer.text)) == 8
    assert (await client.get("/api/readings/export?ids=1")).status == 400


def workbook(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))


async def test_workbook_types_and_text_that_is_no_formula(database: Any, new_panel: NewPanel) -> None:
    depot = await make_depot(city="=1+1", manager_id=10**15)
    await depots.Parcel.objects.create(
        code="A-1",
        depot=depot,
        weight=7,
        price=Decimal("1.10"),
        ratio=0.25,
        sent=True,
        due=date(2031, 5, 6),
        at=time(7, 30),
        packed=datetime(2031, 5, 6, 7, 8, 9),
        note="a\x01b _x0041_ <&>\r\n",
    )
    client = Client(new_panel())
    sheet = workbook((await client.get("/api/depots/export?format=xlsx")).content).active
    assert sheet.title == "depots"
    cells = {head.value: cell for head, cell in zip(sheet[1], sheet[2], strict=True)}
    assert cells["city"].value == "=1+1" and cells["city"].data_type == "s"
    assert cells["manager_id"].value == str(10**15), "Excel would round it"
    answer = await client.get("/api/parcels/export?format=xlsx")
    assert answer.headers["content-disposition"] == 'attachment; filename="parcels.xlsx"'
    sheet = workbook(answer.content).active
    cells = {head.value: cell for head, cell in zip(sheet[1], sheet[2], strict=True)}
    values = {name: cell.value for name, cell in cells.items()}
    assert (values["weight"], values["ratio"], values["sent"]) == (7, 0.25, True)
    assert values["price"] == "1.10" and cells["due"].is_date
    assert values["due"] == datetime(2031, 5, 6) and values["packed"] == datetime(2031, 5, 6, 7, 8, 9)
    assert values["at"] == time(7, 30)
    assert (
        values["note"] == "a_x0001_b _x005F_x0041_ <&>_x000D_\n" or values["note"] == "a\x01b _x0041_ <&>\r\n"
    )
    assert values["fragile"] is None


async def test_cut_cells_are_listed_on_a_second_sheet(database: Any, new_panel: NewPanel) -> None:
    depot = await make_depot()
    await depots.Parcel.objects.create(code="A-1", depot=depot, note="x" * 32_767)
    await depots.Parcel.objects.create(code="A-2", depot=depot, note="\U0001f600" * 20_000)
    book = workbook(
        (await Client(new_panel()).get("/api/parcels/export?format=xlsx&columns=code,note")).content
    )
    first, second = book.worksheets
    assert len(first["B2"].value) == 32_767 and first["B3"].value == "\U0001f600" * 16_383
    assert [[cell.value for cell in row] for row in second.iter_rows()] == [
        ["Cell", "Column", "Characters"],
        ["B3", "note", 40_000],
    ]


def test_names_of_columns() -> None:
    assert [column_name(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


@pytest.mark.parametrize("kind", ["csv", "json", "xlsx"])
async def test_memory_does_not_grow_with_rows(database: Any, new_panel: NewPanel, kind: str) -> None:
    import tracemalloc

    await execute_raw(
        "INSERT INTO depots (name, city) WITH RECURSIVE n(i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 15000) SELECT 'depot ' || i, 'city' FROM n"
    )
    peaks = []
    for most in (3_000, 15_000):
        site = new_panel(depots.Tag, export_chunk_size=1_000)
        site.register(depots.Depot, list_filter=["id"])
        query = f"format={kind}&id__lte={most}"
        response = await site.handle(Request("GET", "/api/depots/export", query, "/admin"))
        assert response.status == 200 and not isinstance(response.body, bytes)
        tracemalloc.start()
        total = 0
        async for chunk in response.body:
            total += len(chunk)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert total > most
    assert peaks[1] < peaks[0] * 1.3 + 2**18, peaks
