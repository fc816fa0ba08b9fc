"""Custom actions (contract, 4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import depots
import pytest
from client import Client
from everywhere import EVERYWHERE
from pydantic import BaseModel, ConfigDict, Field
from writing import make, places

from oxyde import Query
from oxyde_admin.exceptions import InvalidDataError
from oxyde_admin.options.actions import ActionResult, action
from oxyde_admin.options.model_admin import ModelAdmin
from oxyde_admin.site import AdminSite

pytestmark = EVERYWHERE


class SendForm(BaseModel):
    weight: int = Field(ge=1)


class StrictForm(BaseModel):
    model_config = ConfigDict(strict=True)

    day: date
    price: Decimal
    ratio: float


class ParcelAdmin(ModelAdmin):
    access = {"secret": ["chief"]}
    list_filter = ["weight"]

    async def query(self, ctx: Any, q: Query[Any]) -> Query[Any]:
        return q.exclude(note="hidden")

    async def can(self, ctx: Any, action: str, record: Any = None) -> bool:
        return record is None or not (action == "send" and record.note == "locked")

    @action("Send", form=SendForm)
    async def send(self, ctx: Any, rows: Any, form: SendForm) -> str:
        assert ctx.client is not None
        return f"{await rows.update(weight=form.weight)} sent"

    @action("Strict", scope="model", form=StrictForm)
    async def strict(self, ctx: Any, form: StrictForm) -> str:
        return f"{form.day:%d.%m.%Y} {form.price} {form.ratio}"

    @action("Fails")
    async def fails(self, ctx: Any, rows: Any) -> None:
        await rows.update(weight=99)
        raise InvalidDataError({"weight": "too much"})

    @action("Breaks")
    async def breaks(self, ctx: Any, rows: Any) -> None:
        await rows.update(code="SAME")

    @action("Double", scope="row")
    async def double(self, ctx: Any, record: Any) -> ActionResult:
        record.weight *= 2
        await record.save()
        return ActionResult(message=record.code, level="info", refresh=False, redirect="/parcels")

    @action("Report", scope="model")
    async def report(self, ctx: Any) -> ActionResult:
        async def lines() -> AsyncIterator[bytes]:
            yield b"one\n"
            yield b"two\n"

        return ActionResult(filename="rep\u00f6rt.txt", content=lines())

    @action("Bytes", scope="model")
    async def raw(self, ctx: Any) -> ActionResult:
        return ActionResult(filename="x.html", content=b"<b>")

    @action("Secret")
    async def secret(self, ctx: Any, rows: Any) -> None:
        raise AssertionError("nobody may call this")

    @action("Quiet")
    async def quiet(self, ctx: Any, rows: Any) -> None:
        return None


@pytest.fixture
async def client(database: Any) -> Client:
    site = AdminSite(max_bulk_rows=4)
    site.register(depots.Depot)
    site.register(depots.Parcel, ParcelAdmin)
    client = Client(site)
    await make(client, "depots", name="d")
    for number in range(1, 4):
        await make(client, "parcels", code=f"A-{number}", depot=1, weight=number)
    return client


async def run(client: Client, name: str, **body: Any) -> Any:
    return await client.post(f"/api/parcels/-/actions/{name}", body)


async def weights() -> list[int]:
    return list(await depots.Parcel.objects.order_by("id").values_list("weight", flat=True).all())


async def test_a_selection_and_a_form(client: Client) -> None:
    answer = await run(client, "send", ids=[1, 3, 77], form={"weight": 9})
    assert answer.status == 200
    assert answer.json() == {"message": "2 sent", "level": "success", "refresh": True, "redirect": None}
    assert await weights() == [9, 2, 9]
    answer = await run(client, "send", where={"filters": {"weight": 9}}, expect=2, form={"weight": 8})
    assert answer.json()["message"] == "2 sent"
    empty = await run(client, "send", ids=[], form={"weight": 8})
    assert empty.json()["message"] == "0 sent"
    assert (await run(client, "quiet", ids=[1])).json()["message"] is None


async def test_errors_of_the_form_stand_at_its_fields(client: Client) -> None:
    for form in ({"weight": 0}, {}, None):
        answer = await run(client, "send", ids=[1], form=form)
        assert (answer.status, places(answer)) == (422, [["weight"]])
    answer = await run(client, "send", ids=[1], form=[1])
    assert (answer.status, answer.json()["code"]) == (400, "bad_body")
    assert await weights() == [1, 2, 3]


async def test_strict_forms_take_json(client: Client) -> None:
    form = {"day": "2024-02-29", "price": "1.10", "ratio": 0.5}
    answer = await run(client, "strict", form=form)
    assert answer.json()["message"] == "29.02.2024 1.10 0.5"


async def test_what_an_action_refuses_or_breaks_is_rolled_back(client: Client) -> None:
    answer = await run(client, "fails", ids=[1, 2])
    assert (answer.status, places(answer)) == (422, [["weight"]])
    broken = await run(client, "breaks", ids=[1, 2])
    assert (broken.status, broken.json()["code"]) == (409, "conflict")
    assert await weights() == [1, 2, 3]


async def test_rows_out_of_sight_are_not_selected(client: Client) -> None:
    await depots.Parcel.objects.filter(id=2).update(note="hidden")
    answer = await run(client, "send", ids=[1, 2], form={"weight": 9})
    assert answer.json()["message"] == "1 sent"
    assert await weights() == [9, 2, 3]


async def test_one_refused_record_refuses_the_whole(client: Client) -> None:
    await depots.Parcel.objects.filter(id=2).update(note="locked")
    answer = await run(client, "send", ids=[1, 2], form={"weight": 9})
    assert (answer.status, answer.json()["code"]) == (403, "forbidden")
    assert await weights() == [1, 2, 3]


async def test_one_record(client: Client) -> None:
    answer = await run(client, "double", ids=[2])
    assert answer.json() == {"message": "A-2", "level": "info", "refresh": False, "redirect": "/parcels"}
    assert await weights() == [1, 4, 3]
    for ids in ([], [1, 2]):
        wrong = await run(client, "double", ids=ids)
        assert (wrong.status, wrong.json()["code"]) == (400, "bad_body")
    missing = await run(client, "double", ids=[77])
    assert (missing.status, missing.json()["code"]) == (404, "not_found")


async def test_downloads(client: Client) -> None:
    answer = await run(client, "report")
    assert (answer.status, answer.content) == (200, b"one\ntwo\n")
    assert answer.headers["content-disposition"].startswith("attachment; ")
    raw = await run(client, "raw")
    assert raw.content == b"<b>"
    assert raw.headers["content-disposition"] == 'attachment; filename="x.html"'


async def test_permissions_and_unknown_names(client: Client) -> None:
    refused = await run(client, "secret", ids=[1])
    assert (refused.status, refused.json()["code"]) == (403, "forbidden")
    for name in ("nothing", "query", "can", "delete", "__init__"):
        assert (await run(client, name, ids=[1])).status == 404


@pytest.mark.parametrize("body", [{}, {"ids": 1}, {"ids": list(range(5))}, {"where": {}}])
async def test_selections_are_checked(client: Client, body: dict[str, Any]) -> None:
    assert (await run(client, "quiet", **body)).status == 400
