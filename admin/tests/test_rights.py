"""Who may do what: permissions, `access`, `can`, hidden and read-only fields, the rows that exist."""

from __future__ import annotations

from typing import Any

import pytest
from depots import Account, Depot, Parcel, Reading

from oxyde_admin.auth import AdminUser, AuthRequest
from oxyde_admin.config import ModelAdmin
from oxyde_admin.exceptions import (
    ExportNotAllowedError,
    ModelNotFoundError,
    PermissionDeniedError,
    RecordNotFoundError,
)
from oxyde_admin.options.actions import action
from oxyde_admin.options.context import AdminContext
from oxyde_admin.security.rights import Rights
from oxyde_admin.site import AdminSite


def rights_of(site: AdminSite, model: type[Any], **user: Any) -> Rights:
    resource = site.registry.resource_of(model)
    assert resource is not None
    request = AuthRequest(headers={}, cookies={}, path="/", method="GET")
    context = AdminContext(user=AdminUser(id="1", **user), request=request, model=model, action="view")
    return Rights(site, resource, context)


async def test_an_open_panel_allows_what_the_model_has():
    site = AdminSite()
    site.register(Depot)
    site.register(Reading)
    assert await rights_of(site, Depot).actions() == [
        "view",
        "create",
        "change",
        "delete",
        "export",
        "history",
    ]
    assert await rights_of(site, Reading).actions() == ["view", "export"]


@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        ([], []),
        (["depots:view"], ["view"]),
        (["depots:delete"], []),
        (["depots:*"], ["view", "create", "change", "delete", "export", "history"]),
        (["*:view", "depots:change"], ["view", "change"]),
        (["*:*"], ["view", "create", "change", "delete", "export", "history"]),
        (["*"], []),
        (["parcels:*", "depot:*", "DEPOTS:view"], []),
    ],
)
async def test_permissions_of_the_user(permissions, allowed):
    site = AdminSite(permissions="user")
    site.register(Depot)
    assert await rights_of(site, Depot, permissions=permissions).actions() == allowed


async def test_without_view_the_model_does_not_exist():
    site = AdminSite(permissions="user")
    site.register(Depot)
    with pytest.raises(ModelNotFoundError):
        await rights_of(site, Depot, permissions=["depots:change"]).require("change")
    with pytest.raises(PermissionDeniedError):
        await rights_of(site, Depot, permissions=["depots:view"]).require("change")


async def test_access_takes_roles_and_flags():
    class DepotAdmin(ModelAdmin):
        access = {"delete": ["chief", "clerk"], "create": False, "send": ["chief"]}

        @action("Send")
        async def send(self, ctx: Any, rows: Any) -> None: ...

    site = AdminSite()
    site.register(Depot, DepotAdmin)
    assert await rights_of(site, Depot).actions() == ["view", "change", "export", "history"]
    assert "delete" in await rights_of(site, Depot, roles=["clerk"]).actions()
    assert (await rights_of(site, Depot, roles=["chief"]).actions())[-2:] == ["history", "send"]


async def test_all_three_gates_must_allow():
    class DepotAdmin(ModelAdmin):
        access = {"change": ["chief"]}

        async def can(self, ctx: Any, action: str, record: Any = None) -> bool:
            return record is None or record.manager_id == int(ctx.user.id)

    site = AdminSite(permissions="user")
    site.register(Depot, DepotAdmin)
    mine, other = Depot(id=1, name="A", manager_id=1), Depot(id=2, name="B", manager_id=2)
    chief = rights_of(site, Depot, roles=["chief"], permissions=["depots:*"])
    assert await chief.allows("change", mine)
    assert not await chief.allows("change", other)
    assert not await rights_of(site, Depot, permissions=["depots:*"]).allows("change", mine)
    assert not await rights_of(site, Depot, roles=["chief"], permissions=["depots:view"]).allows(
        "change", mine
    )
    with pytest.raises(RecordNotFoundError):
        await chief.require("change", other)


async def test_a_record_that_may_be_seen_but_not_changed_is_refused_by_403():
    class DepotAdmin(ModelAdmin):
        async def can(self, ctx: Any, action: str, record: Any = None) -> bool:
            return action == "view" or record is None

    site = AdminSite()
    site.register(Depot, DepotAdmin)
    rights = rights_of(site, Depot)
    with pytest.raises(PermissionDeniedError):
        await rights.require("delete", Depot(id=1, name="A"))
    assert await rights.actions(Depot(id=1, name="A")) == ["view"]


async def test_export_that_is_switched_off_has_an_error_of_its_own():
    site = AdminSite()
    site.register(Depot, exportable=False)
    with pytest.raises(ExportNotAllowedError):
        await rights_of(site, Depot).require("export")


async def test_hidden_fields_come_from_options_roles_and_the_method():
    class ParcelAdmin(ModelAdmin):
        exclude_fields = ["note"]
        field_access = {"price": {"view": ["hr"]}, "weight": {"change": ["hr"]}}

        async def hidden(self, ctx: Any) -> set[str]:
            return {"origin_id"}

    site = AdminSite()
    site.register(Parcel, ParcelAdmin)
    clerk, hr = rights_of(site, Parcel), rights_of(site, Parcel, roles=["hr"])
    assert await clerk.hidden() == {"note", "price", "origin", "origin_id"}
    assert await hr.hidden() == {"note", "origin", "origin_id"}
    assert {"weight", "price", "id"} <= await clerk.readonly()
    assert not {"weight", "price"} & await hr.readonly()
    names = [field.name for field in await clerk.visible()]
    assert "price" not in names
    assert names.index("code") < names.index("depot") < names.index("grade")


async def test_readonly_knows_new_records_from_stored_ones():
    class AccountAdmin(ModelAdmin):
        readonly_fields = ["active"]

        async def readonly(self, ctx: Any, record: Any = None) -> set[str]:
            return {"salary"} if record is not None and record.salary > 10 else set()

    site = AdminSite()
    site.register(Account, AccountAdmin)
    rights = rights_of(site, Account)
    assert await rights.readonly() == {"active", "password_hash"}
    rich, poor = Account(email="a@b.example", salary=11), Account(email="a@b.example", salary=1)
    assert await rights.readonly(rich) == {"active", "password_hash", "salary", "id"}
    assert await rights.readonly(poor) == {"active", "password_hash", "id"}


async def test_a_method_that_names_no_field_fails_instead_of_protecting_nothing():
    class DepotAdmin(ModelAdmin):
        async def hidden(self, ctx: Any) -> set[str]:
            return {"citty"}

    site = AdminSite()
    site.register(Depot, DepotAdmin)
    with pytest.raises(ValueError, match="did you mean 'city'"):
        await rights_of(site, Depot).hidden()


async def test_paths_are_seen_only_where_every_step_is():
    class DepotAdmin(ModelAdmin):
        field_access = {"city": {"view": ["hr"]}}

    site = AdminSite(permissions="user")
    site.register(Depot, DepotAdmin)
    site.register(Parcel)
    clerk = rights_of(site, Parcel, permissions=["*:view"])
    assert await clerk.sees("depot__name")
    assert not await clerk.sees("depot__city")
    assert await rights_of(site, Parcel, permissions=["*:view"], roles=["hr"]).sees("depot__city")
    assert not await rights_of(site, Parcel, permissions=["parcels:view"]).sees("depot__name")


async def test_rows_are_those_of_the_query(database):
    class DepotAdmin(ModelAdmin):
        async def query(self, ctx: Any, q: Any) -> Any:
            return q.filter(manager_id=int(ctx.user.id))

    site = AdminSite()
    site.register(Depot, DepotAdmin)
    await Depot.objects.bulk_create([{"name": "A", "manager_id": 1}, {"name": "B", "manager_id": 2}])
    query = await rights_of(site, Depot).rows()
    assert await query.values_list("name", flat=True).all() == ["A"]


async def test_a_query_that_is_none_is_refused():
    class DepotAdmin(ModelAdmin):
        async def query(self, ctx: Any, q: Any) -> Any:
            return None

    site = AdminSite()
    site.register(Depot, DepotAdmin)
    with pytest.raises(TypeError, match="not a query"):
        await rights_of(site, Depot).rows()


async def test_the_label_is_the_first_text_the_user_may_see():
    class AccountAdmin(ModelAdmin):
        field_access = {"email": {"view": ["hr"]}}

    site = AdminSite()
    site.register(Account, AccountAdmin)
    site.register(Depot, display_field="city")
    assert await rights_of(site, Account, roles=["hr"]).display() == "email"
    assert await rights_of(site, Account).display() is None
    assert await rights_of(site, Depot).display() == "city"
