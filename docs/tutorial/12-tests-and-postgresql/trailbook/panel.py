"""The admin panel: what it shows of each table, who may do what, and what happens around records."""

from __future__ import annotations

from datetime import date
from typing import Any, TypeVar

from pydantic import BaseModel, Field, SecretStr

from oxyde import Count, Query
from oxyde.queries.functions import Trunc
from oxyde_admin import AdminContext, Inline, ModelAdmin, ModelAuth, PrimaryColor, action, column
from oxyde_admin.adapters.base import AbstractAdapter
from oxyde_admin.auth import AdminUser, hash_password
from trailbook.models import (
    Favourite,
    Label,
    LoginToken,
    Member,
    Profile,
    Region,
    Remark,
    Role,
    Trail,
    TrailLabel,
    Visit,
    now,
)
from trailbook.settings import Settings
from trailbook.slugs import free_slug, slugify

Panel = TypeVar("Panel", bound=AbstractAdapter)

PERMISSIONS: dict[Role, list[str]] = {
    Role.READER: [],
    Role.AUTHOR: ["trails:*", "remarks:view", "labels:view", "regions:view", "members:view"],
    Role.EDITOR: [
        *("trails:*", "remarks:*", "labels:*", "regions:*", "visits:*", "trail_labels:*"),
        *("members:view", "profiles:view", "favourites:view"),
    ],
    Role.ADMIN: ["*:*"],
}


def own_id(ctx: AdminContext) -> int | None:
    """The key of a user who sees only what is theirs; None for those who see everything."""
    return int(ctx.user.id) if Role.AUTHOR.value in ctx.user.roles else None


class MemberAdmin(ModelAdmin):
    """Accounts; they register themselves, so none is created here."""

    group, icon, label = "People", "pi pi-users", "Members"
    list_display = ("handle", "email", "role", "active", "joined")
    search_fields = ("handle", "email")
    list_filter = ("role", "active", "joined")
    readonly_fields = ("joined",)
    ordering = ("handle",)
    display_field = "handle"
    access = {"create": False, "delete": ["admin"]}
    field_access = {"role": {"change": ["admin"]}, "active": {"change": ["admin"]}}
    help_texts = {"home_network": "Where this member usually logs in from, as 10.1.0.0/16."}

    async def query(self, ctx: AdminContext, q: Query[Member]) -> Query[Member]:
        """Authors see themselves."""
        own = own_id(ctx)
        return q if own is None else q.filter(id=own)

    class NewPassword(BaseModel):
        """What the action asks for."""

        password: SecretStr = Field(min_length=8, max_length=200)

    @action("Set password", scope="row", form=NewPassword, icon="pi pi-key")
    async def set_password(self, ctx: AdminContext, member: Member, form: NewPassword) -> str:
        """Another password, which ends every login of the API."""
        hashed = await hash_password(form.password.get_secret_value())
        row = Member.objects.filter(id=member.id)
        await row.update(password_hash=hashed, password_seeded=False, client=ctx.client)
        await LoginToken.objects.filter(member=member).delete(client=ctx.client)
        return f"{member.handle} has a new password."


class TrailAdmin(ModelAdmin):
    """Trails, with the remarks about each."""

    class Publication(BaseModel):
        """What the action asks for."""

        on: date = Field(title="Publish on")

    group, icon, label = "Trails", "pi pi-map", "Trails"
    list_display = ("title", "author_id", "region_code", "difficulty", "length_km", "pace", "published_on")
    search_fields = ("title", "body", "author__handle")
    list_filter = ("difficulty", "region", "author", "labels", "published_on", "length_km")
    readonly_fields = ("slug", "views", "version", "created", "updated")
    ordering = ("-created",)
    display_field = "title"
    column_labels = {"length_km": "Length, km", "published_on": "Published", "opens": "Opens at"}
    fieldsets = (
        ("Trail", ("title", "slug", "body", "author", "region", "labels")),
        ("Facts", ("difficulty", "length_km", "walking_time", "opens", "highlights", "facts")),
        ("Publishing", ("published_on", "views", "version", "created", "updated")),
    )
    widgets = {"body": "markdown"}
    inlines = (Inline(Remark, fields=["body", "author", "approved"]),)
    version_field = "version"
    chart = "created"

    @column("Pace, min/km")
    async def pace(self, ctx: AdminContext, trail: Trail) -> float:
        """Minutes for a kilometre."""
        return round(trail.walking_time.total_seconds() / 60 / float(trail.length_km), 1)

    @action("Publish", scope="row", form=Publication, icon="pi pi-send")
    async def publish(self, ctx: AdminContext, trail: Trail, form: Publication) -> str:
        """Publishes a trail on a day."""
        trail.published_on, trail.updated, trail.version = form.on, now(), trail.version + 1
        await trail.save(update_fields=["published_on", "updated", "version"], client=ctx.client)
        return f"{trail.title} is published on {form.on}."

    async def query(self, ctx: AdminContext, q: Query[Trail]) -> Query[Trail]:
        """Authors see their own."""
        own = own_id(ctx)
        return q if own is None else q.filter(author_id=own)

    async def readonly(self, ctx: AdminContext, record: Any = None) -> set[str]:
        """Authors write as themselves."""
        return set() if own_id(ctx) is None else {"author"}

    async def validate(self, ctx: AdminContext, data: dict[str, Any], record: Any) -> dict[str, Any]:
        """A new trail has the slug of its title, and an author's trail the author."""
        if record is not None:
            return data
        own = own_id(ctx)
        written = {} if own is None else {"author_id": own}
        return {**data, **written, "slug": slugify(str(data.get("title") or ""), "trail")}

    async def before_save(self, ctx: AdminContext, record: Trail, created: bool) -> None:
        """A free slug for what is new; the time for what changes."""
        if created:
            record.slug = await free_slug(Trail.objects.values_list("slug", flat=True), record.slug)
        record.updated = now()


class RemarkAdmin(ModelAdmin):
    """Remarks and their moderation."""

    group, icon, label = "Trails", "pi pi-comments", "Remarks"
    list_display = ("body", "trail_id", "author_id", "approved", "created")
    search_fields = ("body", "author__handle", "trail__title")
    list_filter = ("approved", "trail", "author", "created")
    readonly_fields = ("created",)
    ordering = ("approved", "-created")
    display_field = "body"

    @action("Approve", confirm="Approve {n} remarks?", icon="pi pi-check")
    async def approve(self, ctx: AdminContext, rows: Query[Remark]) -> str:
        """Shows the selected remarks to everybody."""
        return f"{await rows.update(approved=True, client=ctx.client)} approved"

    async def query(self, ctx: AdminContext, q: Query[Remark]) -> Query[Remark]:
        """Authors see what is said about their own trails."""
        own = own_id(ctx)
        return q if own is None else q.filter(trail__author_id=own)


class LabelAdmin(ModelAdmin):
    """Labels; the slug of a new one follows from its name."""

    group, icon, label = "Trails", "pi pi-tags", "Labels"
    search_fields = ("name", "slug")
    readonly_fields = ("slug",)
    ordering = ("name",)
    form_fields = ("name", "slug", "colour")
    widgets = {"colour": "color"}

    async def validate(self, ctx: AdminContext, data: dict[str, Any], record: Any) -> dict[str, Any]:
        """Gives what is new its slug."""
        if record is not None:
            return data
        base = slugify(str(data.get("name") or ""), "label")
        return {**data, "slug": await free_slug(Label.objects.values_list("slug", flat=True), base)}


async def trails_by_region(user: AdminUser) -> list[tuple[str, int]]:
    """How many trails each region has."""
    rows = Trail.objects.group_by("region__name").annotate(n=Count("*")).order_by("-n", "region__name")
    return [(name or "none", n) for name, n in await rows.values_list("region__name", "n").all()]


async def visits_by_month(user: AdminUser) -> list[tuple[str, int]]:
    """How many visits each month had, the last two years."""
    months = Visit.objects.group_by(month=Trunc("day", "month")).annotate(n=Count("*")).order_by("-month")
    latest = await months.values_list("month", "n")[:24].all()
    return [(f"{month:%Y-%m}", n) for month, n in reversed(latest)]


def add_panel(kind: type[Panel], settings: Settings, **more: Any) -> Panel:
    """The panel for one framework; every mount has the same."""
    panel = kind(
        title="Trailbook",
        primary_color=PrimaryColor.EMERALD,
        auth_provider=ModelAuth(
            Member,
            active_field="active",
            roles=lambda member: [member.role.value],
            permissions=lambda member: PERMISSIONS[member.role],
        ),
        permissions="user",
        audit=True,
        store="database",
        cookie_secure="auto" if settings.debug else True,
        **more,
    )
    panel.register(Member, MemberAdmin)
    panel.register(
        Profile,
        group="People",
        icon="pi pi-id-card",
        label="Profiles",
        list_display=["member_id", "bio", "homepage"],
        search_fields=["bio", "member__handle"],
    )
    panel.register(Trail, TrailAdmin)
    panel.register(Remark, RemarkAdmin)
    panel.register(Label, LabelAdmin)
    panel.register(
        TrailLabel,
        group="Trails",
        icon="pi pi-link",
        label="Labels of trails",
        list_filter=["trail", "label"],
        ordering=["trail_id", "position"],
    )
    panel.register(
        Region,
        group="Trails",
        icon="pi pi-globe",
        label="Regions",
        search_fields=["code", "name"],
        ordering=["name"],
        display_field="name",
    )
    panel.register(
        Favourite,
        group="People",
        icon="pi pi-heart",
        label="Favourites",
        list_filter=["member", "trail", "created"],
        readonly_fields=["created"],
    )
    panel.register(
        Visit,
        group="Trails",
        icon="pi pi-calendar",
        label="Visits",
        list_display=["day", "trail_id", "member_id", "minutes", "rating", "note"],
        search_fields=["note"],
        list_filter=["day", "trail", "member", "minutes", "rating"],
        ordering=["-day"],
        importable=True,
        chart="day",
    )
    panel.chart("regions", "Trails by region", trails_by_region)
    panel.chart("visits", "Visits a month", visits_by_month, kind="line", roles=["editor", "admin"])
    return panel
