"""Import: lines are written as single calls write records; all or none."""

from __future__ import annotations

from typing import Any

import depots
import pytest
from client import Answer, Client
from everywhere import EVERYWHERE
from test_session import NewPanel

from oxyde import AsyncDatabase, create_tables
from oxyde_admin import ModelAdmin
from oxyde_admin.models import OWN_TABLES, AdminLogEntry
from oxyde_admin.transfer.csv_text import Field, delimiter_of, line, read


def importing(new_panel: NewPanel, model: Any = depots.Depot, **options: Any) -> Client:
    site = new_panel(depots.Reading, **options.pop("panel", {}))
    admin = options.pop("admin", ModelAdmin)
    site.register(model, admin, importable=True, **options)
    for other in {depots.Depot, depots.Tag, depots.Parcel} - {model}:
        site.register(other)
    return Client(site)


async def send(client: Client, text: str, slug: str = "depots", **query: Any) -> Answer:
    return await client.post(
        f"/api/{slug}/-/import", body=text.encode(), headers={"content-type": "text/csv"}, query=query
    )


async def names() -> list[str]:
    return list(await depots.Depot.objects.order_by("id").values_list("name", flat=True).all())


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("a,b\r\n1,2\r\n", [["a", "b"], ["1", "2"]]),
        ('a\n"x ""y""\n z"\n\n\nlast', [["a"], ['x "y"\n z'], ["last"]]),
        ("\ufeffa;b;c,d\n1;2;3", [["a", "b", "c,d"], ["1", "2", "3"]]),
        ("a\tb\n1\t", [["a", "b"], ["1", ""]]),
        ('"a,b";c\n1;2', [["a,b", "c"], ["1", "2"]]),
        ("", []),
    ],
)
def test_reading_tables(text: str, cells: list[list[str]]) -> None:
    assert [[cell.text for cell in found] for _, found in read(text)] == cells


def test_numbers_of_lines_and_quotes() -> None:
    found = list(read('a\n"1\n2"\n\nx,""\n'))
    assert [number for number, _ in found] == [1, 2, 5]
    assert found[-1][1] == [Field("x", False), Field("", True)]
    for broken in ('a\n"x', 'a\n"x"y\n', 'a\nx"y",z"'):
        if broken.endswith('z"'):
            assert list(read(broken))[1][1][0].text == 'x"y"'
        else:
            with pytest.raises(Exception, match="Line 2"):
                list(read(broken))
    assert delimiter_of('"a;b;c",d') == "," and line(["", None, True, 1.5]) == '"",,true,1.5\r\n'


@EVERYWHERE
async def test_dry_run_is_the_default_and_leaves_nothing(database: Any, new_panel: NewPanel) -> None:
    client = importing(new_panel)
    answer = await send(client, "name,city\nNorth,x\nSouth,y\n")
    report = {
        "dry_run": True,
        "rows": 2,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "error_count": 0,
        "errors": [],
    }
    assert (answer.status, answer.json()) == (200, report)
    assert (await send(client, "name\nNorth", dry_run="1")).json()["dry_run"] is True
    assert await names() == []
    real = await send(client, "name,city\nNorth,x\nSouth,y\n", dry_run="false")
    assert (real.status, real.json()) == (200, {**report, "dry_run": False})
    assert await names() == ["North", "South"]


@EVERYWHERE
async def test_all_or_nothing_with_every_error_and_its_row(database: Any, new_panel: NewPanel) -> None:
    client = importing(new_panel)
    await depots.Depot.objects.create(name="Taken")
    text = f"name,manager_id\nGood,1\n{'x' * 41},2\nTaken,3\nOther,many\nGood,5\nFine,6,7\n"
    for dry_run, status in (("true", 200), ("false", 422)):
        answer = await send(client, text, dry_run=dry_run)
        report = answer.json()
        assert answer.status == status
        assert {entry["row"]: entry["loc"] for entry in report["errors"]} == {
            3: ["name"],
            4: ["name"],
            5: ["manager_id"],
            6: ["name"],
            7: [],
        }
        assert report["error_count"] == 5 and report["rows"] == 6
        assert "many" not in answer.text.replace("how many", "") and "Taken" not in answer.text
        assert await names() == ["Taken"]


async def test_at_most_200_errors_are_told(database: Any, new_panel: NewPanel) -> None:
    text = "name\n" + f"{'x' * 41}\n" * 250
    report = (await send(importing(new_panel), text)).json()
    assert report["error_count"] == 250 and len(report["errors"]) == 200


@EVERYWHERE
async def test_modes(database: Any, new_panel: NewPanel) -> None:
    client = importing(new_panel)
    first, second = [await depots.Depot.objects.create(name=name, city="c") for name in ("a", "b")]
    text = f"id,name,city\n{first.id},a,c\n{second.id},b2,c\n"
    report = (await send(client, text, mode="update", dry_run="false")).json()
    assert (report["created"], report["updated"], report["unchanged"]) == (0, 1, 1)
    assert await names() == ["a", "b2"]
    report = (await send(client, text + ",c,\n", mode="upsert", dry_run="false")).json()
    assert (report["created"], report["updated"], report["unchanged"]) == (1, 0, 2)
    for mode in ("update", "upsert"):
        refused = await send(client, f"id,name\n{first.id},z\n999,x\nabc,y\n{first.id},q\n", mode=mode)
        assert [entry["row"] for entry in refused.json()["errors"]] == [3, 4, 5], mode
    assert await names() == ["a", "b2", "c"]
    assert (await send(client, "name\nx", mode="update")).json()["code"] == "bad_parameter"
    assert (await send(client, "name\nx", mode="replace")).json()["code"] == "bad_parameter"


async def test_text_keys_are_created_by_upsert(database: Any, new_panel: NewPanel) -> None:
    client = importing(new_panel, depots.Tag)
    await depots.Tag.objects.create(code="a,b", label="old")
    text = 'code,label\n"a,b",new\nc,=1\n'
    report = (await send(client, text, "tags", mode="upsert", dry_run="false")).json()
    assert (report["created"], report["updated"]) == (1, 1)
    assert dict(await depots.Tag.objects.values_list("code", "label").all()) == {"a,b": "new", "c": "=1"}


@EVERYWHERE
async def test_what_was_exported_changes_nothing(database: Any, new_panel: NewPanel) -> None:
    from datetime import timedelta
    from decimal import Decimal

    depot = await depots.Depot.objects.create(name="=North", city="")
    for code in ("x,y", "z"):
        await depots.Tag.objects.create(code=code, label="l")
    parcel = await depots.Parcel.objects.create(
        code="A-1",
        depot=depot,
        note='\'=a\r\n"b"',
        price=Decimal("-1.50"),
        takes=timedelta(days=-1),
        words=["a", ""],
        marks={2, 1},
        extra={"a": [1.5, "x"]},
        ratio=1e300,
        label=b"\x00",
        address=depots.Address(street="s", number=1),
    )
    await depots.Parcel.objects.create(code="A-2", depot=depot, note="")
    for code in ("x,y", "z"):
        await depots.ParcelTag.objects.create(parcel_id=parcel.id, tag_code=code, rank=9)
    before = await depots.Parcel.objects.order_by("id").values().all()
    client = importing(new_panel, depots.Parcel)
    exported = (await client.get("/api/parcels/export")).text
    answer = await send(client, exported, "parcels", mode="update", dry_run="false")
    assert answer.status == 200, answer.text
    assert answer.json()["unchanged"] == 2, answer.text
    touched = exported.replace("A-1", "B-1").replace("A-2", "B-2")
    answer = await send(client, touched, "parcels", mode="update", dry_run="false")
    assert answer.json()["updated"] == 2, answer.text
    after = await depots.Parcel.objects.order_by("id").values().all()
    assert [{**row, "code": ""} for row in after] == [{**row, "code": ""} for row in before]
    ranks = await depots.ParcelTag.objects.values_list("rank", flat=True).all()
    assert list(ranks) == [9, 9]
    await depots.ParcelTag.objects.delete()
    await depots.Parcel.objects.delete()
    again = await send(client, exported, "parcels", dry_run="false")
    assert again.status == 200 and again.json()["created"] == 2, again.text
    restored = await depots.Parcel.objects.order_by("id").values().all()
    fresh = {"id": 0, "made": 0}
    assert [{**row, **fresh} for row in restored] == [{**row, **fresh} for row in before]


async def test_header_takes_names_columns_and_labels(database: Any, new_panel: NewPanel) -> None:
    client = importing(new_panel, column_labels={"city": "Stadt"})
    assert (await send(client, "name;Stadt\nNorth;x", dry_run="false")).status == 200
    assert (await depots.Depot.objects.get(name="North")).city == "x"
    refused = await send(client, "name,nonsense\nx,y")
    assert (refused.status, refused.json()["code"]) == (400, "bad_parameter")
    assert (await send(client, "name,name\nx,y")).status == 400
    assert (await send(client, "")).status == 400


async def test_hidden_names_are_unknown_and_never_told(database: Any, new_panel: NewPanel) -> None:
    client = importing(
        new_panel, field_access={"city": {"view": ["chief"]}}, column_labels={"city": "Secret town"}
    )
    unknown = await send(client, "name,nonsense\nx,y")
    for header in ("city", "Secret town"):
        hidden = await send(client, f"name,{header}\nx,y")
        assert hidden.status == 400 and hidden.json()["detail"] == unknown.json()["detail"]


async def test_readonly_columns_are_dropped(database: Any, new_panel: NewPanel) -> None:
    client = importing(new_panel, readonly_fields=["city"])
    assert (await send(client, "id,name,city\n77,North,x", dry_run="false")).json()["created"] == 1
    made = await depots.Depot.objects.get(name="North")
    assert made.city == "" and made.id != 77


async def test_permissions(database: Any, new_panel: NewPanel) -> None:
    plain = new_panel(depots.Depot)
    assert (await send(Client(plain), "name\nx")).status == 403, "not importable"
    for access, mode, status in (
        ({"import": False}, "create", 403),
        ({"create": False}, "create", 403),
        ({"create": False}, "update", 200),
        ({"change": False}, "update", 403),
        ({"change": False}, "upsert", 403),
        ({"view": False}, "create", 404),
    ):
        client = importing(new_panel, access=access)
        assert (await send(client, "id,name\n", mode=mode)).status == status, (access, mode)


async def test_rows_of_others_are_not_found_and_hooks_hold(database: Any, new_panel: NewPanel) -> None:
    seen: list[str] = []

    class Mine(ModelAdmin):
        async def query(self, ctx: Any, q: Any) -> Any:
            return q.filter(manager_id=1)

        async def can(self, ctx: Any, action: str, record: Any = None) -> bool:
            return action != "change" or record is None or record.name != "locked"

        async def before_save(self, ctx: Any, record: Any, created: bool) -> None:
            seen.append(f"{ctx.action} {record.name}")

    client = importing(new_panel, admin=Mine)
    mine = await depots.Depot.objects.create(name="mine", manager_id=1)
    other = await depots.Depot.objects.create(name="other", manager_id=2)
    locked = await depots.Depot.objects.create(name="locked", manager_id=1)
    report = (await send(client, f"id,name\n{other.id},x\n", mode="update")).json()
    assert report["error_count"] == 1 and "other" not in str(report)
    out_of_sight = (await send(client, "name,manager_id\nx,2\n")).json()
    assert out_of_sight["error_count"] == 1
    assert (await send(client, f"id,name\n{locked.id},x\n", mode="update")).status == 403
    seen.clear()
    await send(client, f"id,name,manager_id\n{mine.id},m2,1\n,new,1\n", mode="upsert")
    assert seen == ["change m2", "create new"] and "m2" not in await names()


async def test_limits(database: Any, new_panel: NewPanel) -> None:
    client = importing(new_panel, panel={"max_import_rows": 2, "max_import_bytes": 100})
    assert (await send(client, "name\na\nb\nc\n")).json()["code"] == "too_many"
    assert (await send(client, "name\n" + "x" * 200)).status == 413
    wrong = await client.post("/api/depots/-/import", {"a": 1})
    assert wrong.status == 415


async def test_history_of_imports_and_exports(database: AsyncDatabase, new_panel: NewPanel) -> None:
    await create_tables(database, models=list(OWN_TABLES))
    client = importing(new_panel, panel={"audit": True})
    await send(client, "name\na\n")
    await send(client, "name\na\nb\n", dry_run="false")
    await client.get("/api/depots/export")
    entries = [
        (entry.action, entry.changes)
        for entry in await AdminLogEntry.objects.filter(action__in=["import", "export"]).order_by("id").all()
    ]
    assert entries == [
        ("import", {"mode": "create", "rows": 2, "created": 2, "updated": 0, "unchanged": 0}),
        ("export", {"format": "csv", "rows": 2}),
    ]
    assert await AdminLogEntry.objects.filter(action="create").count() == 2
