"""FastAPI over HTTP: `db.lifespan`, models and schema classes as requests and responses, OpenAPI."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pydantic
import pytest_asyncio
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from servers import Server, drop_everything

from oxyde import Field, Model, NotFoundError, UniqueViolationError, atomic, create_tables, db
from oxyde.models.registry import unregister_table


class WebDepot(Model):
    code: str = Field(db_pk=True, max_length=8)
    label: str = Field(default="", max_length=40)
    parcels: list[WebParcel] = Field(db_reverse_fk="depot")

    class Meta:
        is_table = True
        table_name = "web_depots"


class WebParcel(Model):
    """Something to deliver."""

    id: int | None = Field(default=None, db_pk=True)
    ref: str = Field(max_length=20, pattern="^[A-Z]", db_unique=True, description="Painted on the side")
    weight: int = Field(default=0, ge=0)
    secret: str = Field(default="", max_length=20)
    depot: WebDepot | None = None

    @pydantic.field_validator("ref", mode="before")
    @classmethod
    def _clean(cls, value: Any) -> Any:
        return value.strip() if isinstance(value, str) else value

    class Meta:
        is_table = True
        table_name = "web_parcels"
        ordering = ["ref"]


for model in (WebDepot, WebParcel):
    unregister_table(model)

ParcelIn: Any = WebParcel.schema_class(exclude={"id"}, name="ParcelIn")
ParcelPatch: Any = WebParcel.schema_class(include={"ref", "weight"}, optional=True, name="ParcelPatch")
ParcelOut: Any = WebParcel.schema_class(exclude={"secret"}, name="ParcelOut")
DepotOut: Any = WebDepot.schema_class(relations={"parcels": ParcelOut}, name="DepotOut")


def application(url: str) -> FastAPI:
    app = FastAPI(lifespan=db.lifespan(default=url))

    @app.exception_handler(NotFoundError)
    async def missing(request: Request, error: NotFoundError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 404)

    @app.exception_handler(UniqueViolationError)
    async def taken(request: Request, error: UniqueViolationError) -> JSONResponse:
        return JSONResponse({"detail": "taken"}, 409)

    @app.post("/depots", status_code=201)
    async def add_depot(depot: WebDepot) -> WebDepot:  # the model itself, in and out
        return await depot.save()

    @app.get("/depots/{code}", response_model=DepotOut)
    async def depot(code: str) -> Any:
        return await WebDepot.objects.get(code=code, as_=DepotOut)

    @app.get("/whole-depots/{code}")
    async def whole_depot(code: str) -> WebDepot:
        found = await WebDepot.objects.prefetch("parcels").get(code=code)
        for parcel in found.parcels:
            parcel.depot = found  # each refers to the other
        return found

    @app.post("/parcels", status_code=201, response_model=ParcelOut)
    async def add_parcel(parcel: ParcelIn) -> Any:
        return await WebParcel.objects.create(parcel.model_dump())

    @app.get("/parcels", response_model=list[ParcelOut])
    async def parcels(least: int = 0) -> Any:
        return await WebParcel.objects.filter(weight__gte=least).all()

    @app.get("/parcels/{number}", response_model=ParcelOut)
    async def parcel(number: int) -> Any:
        return await WebParcel.objects.get(id=number)

    @app.patch("/parcels/{number}", response_model=ParcelOut)
    async def change(number: int, patch: ParcelPatch) -> Any:
        found = await WebParcel.objects.get(id=number)
        changes = patch.model_dump(exclude_unset=True)
        for name, value in changes.items():
            setattr(found, name, value)
        return await found.save(update_fields=set(changes))

    @app.post("/undone")
    async def undone() -> None:
        async with atomic():
            await WebDepot.objects.create(code="U")
            raise UniqueViolationError("undo")

    return app


class _Announced(uvicorn.Server):
    """Says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The application on a port of 127.0.0.1, in a thread with a loop of its own."""
    server = _Announced(uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="on", log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.ready.wait(30), "uvicorn has not started"
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
    assert not thread.is_alive()


@pytest_asyncio.fixture
async def http(fresh_database: Server) -> AsyncIterator[httpx.AsyncClient]:
    drop_everything(fresh_database)
    async with db.connect(fresh_database.url) as database:
        await create_tables(database, models=[WebDepot, WebParcel])
    with running(application(fresh_database.url)) as address:
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            yield client


async def test_a_service_from_end_to_end(http: httpx.AsyncClient) -> None:
    answer = await http.post("/depots", json={"code": "N4", "label": "North"})
    assert (answer.status_code, answer.json()) == (201, {"code": "N4", "label": "North", "parcels": []})

    for number, ref in enumerate(("B2", " A1 "), 1):
        body = {"ref": ref, "weight": number, "secret": "s", "depot_code": "N4"}
        answer = await http.post("/parcels", json=body)
        assert answer.status_code == 201, answer.text
        assert answer.json() == {"id": number, "ref": ref.strip(), "weight": number, "depot_code": "N4"}
    assert (await http.post("/parcels", json={"ref": "A1"})).status_code == 409

    assert [row["ref"] for row in (await http.get("/parcels")).json()] == ["A1", "B2"]
    assert [row["ref"] for row in (await http.get("/parcels", params={"least": 2})).json()] == ["A1"]
    assert (await http.get("/depots/N4")).json() == {
        "code": "N4",
        "label": "North",
        "parcels": [
            {"id": 2, "ref": "A1", "weight": 2, "depot_code": "N4"},
            {"id": 1, "ref": "B2", "weight": 1, "depot_code": "N4"},
        ],
    }

    answer = await http.patch("/parcels/1", json={"weight": 7})
    assert answer.json() == {"id": 1, "ref": "B2", "weight": 7, "depot_code": "N4"}
    assert (await http.get("/parcels/1")).json()["weight"] == 7
    missing = await http.get("/parcels/99")
    assert missing.status_code == 404


async def test_wrong_input_is_refused_by_the_rules_of_the_model(http: httpx.AsyncClient) -> None:
    for body, place, kind in (
        ({}, ["body", "ref"], "missing"),
        ({"ref": "a"}, ["body", "ref"], "string_pattern_mismatch"),
        ({"ref": "A" * 21}, ["body", "ref"], "string_too_long"),
        ({"ref": "A", "weight": -1}, ["body", "weight"], "greater_than_equal"),
    ):
        answer = await http.post("/parcels", json=body)
        assert answer.status_code == 422
        assert [(error["loc"], error["type"]) for error in answer.json()["detail"]] == [(place, kind)]
    answer = await http.post("/depots", json={"code": "much too long"})
    assert answer.json()["detail"][0]["type"] == "string_too_long"
    await http.post("/parcels", json={"ref": "A"})
    assert (await http.patch("/parcels/1", json={"weight": -1})).status_code == 422
    assert (await http.get("/parcels")).json()[0]["weight"] == 0


async def test_loaded_relations_are_answered_once(http: httpx.AsyncClient) -> None:
    await http.post("/depots", json={"code": "N4"})
    await http.post("/parcels", json={"ref": "A", "depot_code": "N4"})
    answer = await http.get("/whole-depots/N4")
    assert answer.status_code == 200, answer.text
    assert answer.json()["parcels"] == [
        {"id": 1, "ref": "A", "weight": 0, "secret": "", "depot": None, "depot_code": "N4"}
    ]


async def test_requests_at_once_and_blocks_that_are_undone(http: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(http.post("/parcels", json={"ref": f"A{n}"}) for n in range(30)))
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["id"] for answer in answers} == {
        row["id"] for row in (await http.get("/parcels")).json()
    }
    assert (await http.post("/undone")).status_code == 409
    assert (await http.get("/depots/U")).status_code == 404


async def test_openapi_tells_what_the_classes_are(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    made = schemas["ParcelIn"]
    assert (made["required"], list(made["properties"])) == (
        ["ref"],
        ["ref", "weight", "secret", "depot_code"],
    )
    assert made["properties"]["ref"] == {
        "type": "string", "maxLength": 20, "pattern": "^[A-Z]", "title": "Ref",
        "description": "Painted on the side",
    }  # fmt: skip
    assert "required" not in schemas["ParcelPatch"]
    assert "secret" not in schemas["ParcelOut"]["properties"]
    assert schemas["DepotOut"]["properties"]["parcels"]["items"] == {"$ref": "#/components/schemas/ParcelOut"}
    whole = {name: schema for name, schema in schemas.items() if name.startswith("WebDepot")}
    assert whole
    for schema in whole.values():
        assert "parcels" not in schema["required"]
        assert schema["properties"]["code"]["maxLength"] == 8
    post = document["paths"]["/parcels"]["post"]
    assert post["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/ParcelIn"
    }
    assert post["responses"]["201"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/ParcelOut"
    }
