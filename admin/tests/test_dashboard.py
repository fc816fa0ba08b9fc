"""The first page: groups of models, counts, charts."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from client import Client
from depots import Depot, Parcel, Setting
from everywhere import EVERYWHERE

from oxyde_admin.auth import AdminUser, AuthProvider, AuthRequest
from oxyde_admin.config import ModelAdmin
from oxyde_admin.site import AdminSite


class Known(AuthProvider):
    """Whoever sends roles has them."""

    async def authenticate(self, request: AuthRequest) -> AdminUser | None:
        return AdminUser(id="1", roles=request.headers.get("x-roles", "").split())


async def test_models_stand_in_their_groups_with_counts(database):
    site = AdminSite()
    site.register(Depot, group="Places", label="Depots", icon="pi pi-home")
    site.register(Parcel, access={"view": ["chief"]})
    site.register(Setting)
    await Depot.objects.bulk_create([{"name": "A"}, {"name": "B"}])
    content = (await Client(site).get("/api/-/dashboard")).json()
    assert content == {
        "groups": [
            {
                "name": "Places",
                "models": [
                    {"name": "depots", "label": "Depots", "icon": "pi pi-home", "count": 2, "exact": True}
                ],
            },
            {
                "name": None,
                "models": [{"name": "~63onfig", "label": "Setting", "icon": None, "count": 0, "exact": True}],
            },
        ],
        "charts": [],
        "recent": [],
    }


@EVERYWHERE
@pytest.mark.parametrize("field", ["due", "packed", "seen"])
async def test_a_model_counts_its_records_a_day(database, field):
    class ParcelAdmin(ModelAdmin):
        chart = field

        async def query(self, ctx: Any, q: Any) -> Any:
            return q.exclude(code="OTHER")

    site = AdminSite()
    site.register(Parcel, ParcelAdmin)
    depot = await Depot.objects.create(name="A")
    today = datetime.now(timezone.utc).replace(hour=12, minute=0, second=0, microsecond=0)
    moments = [today, today - timedelta(hours=11), today - timedelta(days=29), today - timedelta(days=30)]
    kept = {
        "due": lambda moment: moment.date(),
        "packed": lambda moment: moment.replace(tzinfo=None),
        "seen": lambda moment: moment,
    }[field]
    for code, moment in zip(["A", "OTHER", "B", "C"], moments, strict=True):
        await Parcel.objects.create(code=code, depot=depot, **{field: kept(moment)})
    client = Client(site)
    (chart,) = (await client.get("/api/-/dashboard")).json()["charts"]
    assert chart == {"name": f"parcels.{field}", "title": "Parcel", "kind": "line"}
    points = (await client.get(f"/api/-/charts/{chart['name']}")).json()["points"]
    assert (len(points), sum(number for _, number in points)) == (30, 2)
    assert points[-1] == [today.date().isoformat(), 1]
    assert points[0] == [(today.date() - timedelta(days=29)).isoformat(), 1]


async def test_charts_of_the_project_are_for_their_roles(database):
    async def load(user: AdminUser) -> list[tuple[Any, Any]]:
        return [(date(2026, 1, 2), 3), (user.id, Decimal("1.5"))]

    site = AdminSite(auth_provider=Known())
    site.chart("sales", "Sales", load, kind="pie", roles=["chief"])
    client = Client(site)
    chief = {"x-roles": "chief"}
    shown = (await client.get("/api/-/dashboard", headers=chief)).json()["charts"]
    assert shown == [{"name": "sales", "title": "Sales", "kind": "pie"}]
    points = (await client.get("/api/-/charts/sales", headers=chief)).json()
    assert points == {"points": [["2026-01-02", 3], ["1", 1.5]]}
    assert (await client.get("/api/-/dashboard")).json()["charts"] == []
    refused = await client.get("/api/-/charts/sales")
    assert (refused.status, refused.json()["code"]) == (404, "not_found")


async def test_a_chart_of_a_hidden_field_is_not_there(database):
    site = AdminSite()
    site.register(Parcel, chart="due", field_access={"due": {"view": ["hr"]}})
    assert (await Client(site).get("/api/-/dashboard")).json()["charts"] == []
    assert (await Client(site).get("/api/-/charts/parcels.due")).status == 404


async def test_a_chart_that_gives_no_numbers_is_our_users_fault_and_a_500(database):
    async def load(user: AdminUser) -> list[tuple[str, Any]]:
        return [("a", "many")]

    site = AdminSite()
    site.chart("odd", "Odd", load)
    answer = await Client(site).get("/api/-/charts/odd")
    assert (answer.status, answer.json()["code"]) == (500, "internal")
    assert "many" not in answer.text


def test_a_chart_is_checked_when_it_is_declared():
    site = AdminSite()

    async def load(user: AdminUser) -> list[tuple[str, int]]:
        return []

    site.chart("one", "One", load)
    with pytest.raises(ValueError, match="already"):
        site.chart("one", "One", load)
    with pytest.raises(ValueError, match="kind"):
        site.chart("two", "Two", load, kind="donut")  # type: ignore[arg-type]
