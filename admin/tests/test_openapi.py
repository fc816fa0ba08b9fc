"""The OpenAPI document: valid, of exactly the routes, of nothing that its reader may not see."""

from __future__ import annotations

import json

import pytest
from client import Client
from depots import ALL, Account, Depot, Parcel

from oxyde_admin.api import routes
from oxyde_admin.api.operations import OPERATIONS
from oxyde_admin.site import AdminSite


def test_every_route_is_described_and_nothing_else():
    assert {(route.method, route.pattern) for route in routes()} == set(OPERATIONS)


async def test_it_is_valid_and_has_the_paths_of_the_routes(database):
    validator = pytest.importorskip("openapi_spec_validator")
    site = AdminSite()
    for model in ALL:
        site.register(model)
    document = (await Client(site).get("/api/-/openapi.json")).json()
    validator.validate(document)
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": "/admin"}]
    found = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert found == {(route.method, route.pattern) for route in routes()}
    operations = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(set(operations)) == len(operations)
    names = document["paths"]["/api/{m}"]["get"]["parameters"][0]["schema"]["enum"]
    assert names[0] == "depots"
    assert names[-1] == "~63onfig"


async def test_sub_models_are_components_that_are_found(database):
    site = AdminSite()
    site.register(Parcel)
    document = (await Client(site).get("/api/-/openapi.json")).json()
    schemas = document["components"]["schemas"]
    (reference,) = [
        each["$ref"] for each in schemas["model.parcels"]["properties"]["address"]["anyOf"] if "$ref" in each
    ]
    assert schemas[reference.rpartition("/")[2]]["properties"]["street"]["type"] == "string"
    assert "#/$defs" not in json.dumps(document)


async def test_it_names_no_model_and_no_field_that_is_not_for_its_reader(database):
    site = AdminSite()
    site.register(Account, access={"view": ["hr"]})
    site.register(Depot, field_access={"city": {"view": ["hr"]}}, access={"create": False})
    text = (await Client(site).get("/api/-/openapi.json")).text
    for trace in ("accounts", "salary", "password_hash", "city"):
        assert trace not in text
    body = json.loads(text)["paths"]["/api/{m}"]["post"]["requestBody"]
    assert "depots" not in json.dumps(body)
