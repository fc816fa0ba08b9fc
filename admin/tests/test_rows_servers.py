"""Reading what only servers hold: values beyond Python, columns smaller than 64 bits."""

from __future__ import annotations

import depots
import pytest
from client import Client

from oxyde import AsyncDatabase, Field, Model, create_tables, execute_raw
from oxyde_admin.site import AdminSite

ON_POSTGRES = pytest.mark.parametrize("database", ["postgres"], indirect=True)


class SmallStep(Model):
    """A key and a number of two bytes."""

    id: int = Field(db_pk=True, db_type="SMALLINT")
    height: int = Field(default=0, db_type="SMALLINT")

    class Meta:
        is_table = True
        table_name = "small_steps"
        unloaded = "raise"


@ON_POSTGRES
async def test_moments_beyond_python_are_shown_as_stored(client: Client) -> None:
    depot = await depots.Depot.objects.create(name="d")
    for code in ("A", "B"):
        await depots.Parcel.objects.create(code=code, depot=depot)
    await execute_raw("UPDATE parcels SET packed = 'infinity', due = '0044-03-15 BC' WHERE id = 1")
    await execute_raw("UPDATE parcels SET packed = '2031-05-06 07:08:09.5', due = '2031-05-06' WHERE id = 2")
    items = (await client.get("/api/parcels?ordering=id")).json()["items"]
    assert [(item["packed"], item["due"]) for item in items] == [
        ("infinity", "0044-03-15 BC"),
        ("2031-05-06T07:08:09.500000", "2031-05-06"),
    ]
    assert (await client.get("/api/parcels/1")).json()["packed"] == "infinity"


@ON_POSTGRES
async def test_numbers_that_no_small_column_holds(database: AsyncDatabase) -> None:
    await create_tables(database, models=[SmallStep])
    await SmallStep.objects.create(id=1, height=3)
    site = AdminSite()
    site.register(SmallStep, list_filter=["height"], search_fields=["height"])
    client = Client(site)
    assert (await client.get("/api/small_steps/1")).json() == {"id": 1, "height": 3}
    assert (await client.get("/api/small_steps/99999")).status == 404
    assert (await client.get("/api/small_steps?height__lt=99999")).json()["total"] == 1
    assert (await client.get("/api/small_steps?search=99999")).json()["total"] == 0
    assert (await client.get("/api/small_steps?fields=height")).json()["items"] == [{"id": 1, "height": 3}]
    answer = await client.get("/api/small_steps/options?include=99999,1")
    assert answer.json() == [{"value": 1, "label": "1"}]
