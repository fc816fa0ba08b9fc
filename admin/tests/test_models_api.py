"""What the front end asks first: settings, models, counts, schemas."""

from __future__ import annotations

from typing import Any

from client import Client
from depots import Account, Depot, Event, Parcel, Setting
from pydantic import BaseModel

from oxyde_admin.config import ModelAdmin, Preset
from oxyde_admin.options.actions import action
from oxyde_admin.options.columns import column
from oxyde_admin.options.inline import Inline
from oxyde_admin.site import AdminSite


class SendForm(BaseModel):
    reason: str


async def test_config_says_how_the_panel_was_made(database):
    site = AdminSite(title="Depots", preset=Preset.NORA, surface="ocean", per_page=0, max_offset=7)
    site.register(Account)
    answer = await Client(site).get("/api/config")
    content = answer.json()
    assert content["limits"] == {
        "count": 10_000,
        "offset": 7,
        "bulk": 10_000,
        "import": 10_000,
        "body": 1024 * 1024,
    }
    del content["limits"], content["version"]
    assert content == {
        "title": "Depots",
        "preset": "Nora",
        "primary_color": "sky",
        "surface": "ocean",
        "auth_enabled": False,
        "login_url": None,
        "per_page": 1,
        "export_chunk_size": 10_000,
        "max_export_rows": 100_000,
        "auth": {
            "enabled": False,
            "login_url": None,
            "builtin_login": False,
            "credentials_schema": None,
        },
        "locale": "auto",
        "timezone": "browser",
        "audit": False,
    }


async def test_models_show_their_options_without_hidden_names(database):
    class ParcelAdmin(ModelAdmin):
        list_display = ["code", "depot", "price", "made", "kg"]
        search_fields = ["code", "depot__city", "note"]
        list_filter = ["depot", "price"]
        readonly_fields = ["price", "made"]
        ordering = ["-price", "code"]
        display_field = "note"
        column_labels = {"price": "Price", "code": "Number"}
        field_access = {"price": {"view": ["hr"]}, "note": {"view": ["hr"]}}
        group, icon, label = "Work", "pi pi-box", "Parcels"

        @column("kg")
        async def kg(self, ctx: Any, record: Any) -> float:
            return record.weight / 1000

    site = AdminSite()
    site.register(Parcel, ParcelAdmin)
    site.register(Depot, exclude_fields=["manager_id"], field_access={"city": {"view": ["hr"]}})
    parcels, depots = (await Client(site).get("/api/models")).json()
    assert parcels == {
        "name": "parcels",
        "verbose_name": "Parcels",
        "field_count": len(Parcel.model_fields) - 2,
        "list_display": ["code", "depot_id", "made", "kg"],
        "search_fields": ["code"],
        "list_filter": ["depot"],
        "readonly_fields": ["made"],
        "exclude_fields": None,
        "ordering": ["code"],
        "display_field": None,
        "column_labels": {"code": "Number"},
        "exportable": True,
        "group": "Work",
        "icon": "pi pi-box",
        "permissions": ["view", "create", "change", "delete", "export", "history"],
    }
    assert (depots["exclude_fields"], depots["list_display"], depots["field_count"]) == (None, None, 2)


async def test_counts_are_those_of_the_rows_that_exist_for_the_user(database):
    class DepotAdmin(ModelAdmin):
        async def query(self, ctx: Any, q: Any) -> Any:
            return q.filter(city="here")

    site = AdminSite(count_limit=2)
    site.register(Depot, DepotAdmin)
    site.register(Setting)
    await Depot.objects.bulk_create([{"name": "A", "city": "here"}, {"name": "B", "city": "there"}])
    await Setting.objects.bulk_create([{"name": str(n)} for n in range(5)])
    counts = (await Client(site).get("/api/models/counts")).json()
    assert counts["depots"] == 1
    assert counts["~63onfig"] >= 2


async def test_the_schema_of_a_model_says_what_may_be_done(database):
    class ParcelAdmin(ModelAdmin):
        fieldsets = [("Main", ["code", "depot_id"]), ("Money", ["price", "kg"])]
        inlines = [Inline(Event, fields=["text"], max=3)]
        list_filter = ["depot__city", "grade", "extra__colour"]
        widgets = {"note": "markdown"}
        help_texts = {"code": "As printed", "kg": "Without the pallet"}
        column_labels = {"depot_id": "Place"}
        access = {"shred": ["chief"]}
        field_access = {"price": {"view": ["hr"]}}

        @action("Send", scope="rows", confirm="Send {n}?", form=SendForm, icon="pi pi-send")
        async def send(self, ctx: Any, rows: Any, form: SendForm) -> None: ...

        @action("Shred")
        async def shred(self, ctx: Any, rows: Any) -> None: ...

        @column("kg", ordering="-weight")
        async def kg(self, ctx: Any, record: Any) -> float:
            return record.weight / 1000

        @column(ordering="price")
        async def euros(self, ctx: Any, record: Any) -> str:
            return f"{record.price} €"

    site = AdminSite()
    site.register(Parcel, ParcelAdmin)
    site.register(Event, version_field="version")
    schema = (await Client(site).get("/api/parcels/schema")).json()
    hints, fields = schema["x-admin"], schema["properties"]
    assert hints["permissions"] == ["view", "create", "change", "delete", "export", "history", "send"]
    assert hints["fieldsets"] == [["Main", ["code", "depot"]], ["Money", ["kg"]]]
    assert hints["form_fields"] == ["code", "depot", "kg"]
    assert hints["columns"] == [
        {"name": "kg", "label": "kg", "help": "Without the pallet", "kind": "double", "sortable": True},
        {"name": "euros", "label": "Euros", "help": None, "kind": None, "sortable": False},
    ]
    (send,) = hints["actions"]
    assert {**send, "form": None} == {
        "name": "send",
        "label": "Send",
        "scope": "rows",
        "confirm": "Send {n}?",
        "icon": "pi pi-send",
        "form": None,
    }
    assert send["form"]["properties"]["reason"]["type"] == "string"
    (inline,) = hints["inlines"]
    assert (inline["name"], inline["model"], inline["fk"], inline["max"]) == ("events", "events", "parcel", 3)
    assert (inline["fields"], inline["can_delete"], inline["schema"]) == (["text"], True, None)
    assert [each["name"] for each in hints["filters"]] == ["depot__city", "extra__colour"]
    assert fields["grade"]["x-admin"]["filters"] == ["", "in", "ne", "isnull"]
    assert fields["weight"]["x-admin"]["filters"] is None
    assert fields["note"]["x-admin"]["widget"] == "markdown"
    assert fields["code"]["x-admin"]["help"] == "As printed"
    assert fields["depot"]["x-admin"]["label"] == "Place"
    # Depot is not registered, so there is nothing to pick from.
    assert "x-db-foreign-key" not in fields["depot"]
    assert "price" not in str(schema)
    event = (await Client(site).get("/api/events/schema")).json()
    assert event["x-admin"]["version_field"] == "version"
    assert event["properties"]["parcel"]["x-db-foreign-key"] == {"model": "parcels", "field": "id"}


async def test_an_inline_of_a_model_without_a_page_brings_its_schema(database):
    site = AdminSite()
    site.register(Parcel, inlines=[Inline(Event)])
    schema = (await Client(site).get("/api/parcels/schema")).json()
    (inline,) = schema["x-admin"]["inlines"]
    assert "text" in inline["schema"]["properties"]
    assert (await Client(site).get("/api/events/schema")).status == 404
