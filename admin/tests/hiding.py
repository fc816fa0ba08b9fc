"""Tables full of what must not be seen: every name of it has `zzq` in it, every value `markzz`."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic import Field as Constraint

from oxyde import Check, Field, Model
from oxyde_admin.auth import AdminUser, AuthProvider, AuthRequest
from oxyde_admin.config import ModelAdmin
from oxyde_admin.models import OWN_TABLES
from oxyde_admin.options.actions import action
from oxyde_admin.options.columns import column
from oxyde_admin.options.inline import Inline
from oxyde_admin.site import AdminSite

TRACES = (b"zzq", b"markzz")


class ZzqLevel(str, Enum):
    LOW = "markzz-low"
    HIGH = "markzz-high"


class ZzqDetail(BaseModel):
    zzq_word: str = Constraint(default="markzz", max_length=77)


class ZzqOwner(Model):
    """Nobody but the chief may view this model."""

    id: int | None = Field(default=None, db_pk=True)
    zzq_name: str = Field(max_length=40)

    class Meta:
        is_table = True
        table_name = "zzq_owners"


class Label(Model):
    """Its first text is hidden, so no label and no search may be made of it."""

    id: int | None = Field(default=None, db_pk=True)
    zzq_text: str = Field(max_length=40)
    shade: str = Field(default="", max_length=40)

    class Meta:
        is_table = True
        table_name = "labels"


class Vault(Model):
    id: int | None = Field(default=None, db_pk=True)
    zzq_first: str = Field(default="markzz-first", max_length=40, db_unique=True)
    title: str = Field(max_length=40)
    zzq_kept: str = Field(default="markzz-kept", exclude=True, db_column="zzq_kept_col")
    zzq_role: int = Field(default=0, ge=0, db_comment="zzq comment", description="zzq description")
    zzq_level: ZzqLevel = ZzqLevel.LOW
    zzq_detail: ZzqDetail = Field(default_factory=ZzqDetail)
    zzq_bytes: bytes | None = None
    zzq_needed: str = Field(max_length=40)
    zzq_version: int = 0
    zzq_owner: ZzqOwner | None = None
    zzq_labels: list[Label] = Field(db_m2m=True, db_through="ZzqVaultLabel")
    labels: list[Label] = Field(db_m2m=True, db_through="VaultLabel")

    class Meta:
        is_table = True
        table_name = "vaults"
        constraints = [Check("zzq_role < 1000", name="zzq_limit")]


class ZzqVaultLabel(Model):
    vault: Vault = Field(db_pk=True, db_on_delete="CASCADE")
    label: Label = Field(db_pk=True, db_on_delete="CASCADE")

    class Meta:
        is_table = True
        table_name = "zzq_vault_labels"


class VaultLabel(Model):
    vault: Vault = Field(db_pk=True, db_on_delete="CASCADE")
    label: Label = Field(db_pk=True, db_on_delete="CASCADE")

    class Meta:
        is_table = True
        table_name = "vault_labels"


class Note(Model):
    """Rows inside the page of a vault."""

    id: int | None = Field(default=None, db_pk=True)
    vault: Vault = Field(db_on_delete="CASCADE")
    text: str = Field(max_length=40)
    zzq_remark: str = Field(default="markzz-remark", max_length=40)

    class Meta:
        is_table = True
        table_name = "notes"


class Visit(Model):
    """Points at a vault, so it shows the label of one."""

    id: int | None = Field(default=None, db_pk=True)
    vault: Vault = Field(db_on_delete="RESTRICT")
    day: str = Field(default="", max_length=40)

    class Meta:
        is_table = True
        table_name = "visits"


ALL: tuple[type[Model], ...] = (ZzqOwner, Label, Vault, ZzqVaultLabel, VaultLabel, Note, Visit, *OWN_TABLES)

HR = {"view": ["hr"], "change": ["hr"]}


class VaultAdmin(ModelAdmin):
    exclude_fields = ["zzq_first", "zzq_labels"]
    field_access = {"zzq_role": HR, "zzq_level": HR, "zzq_detail": HR, "zzq_bytes": HR, "zzq_needed": HR}
    list_display = ["title", "zzq_role", "labels", "shout"]
    search_fields = ["title", "zzq_needed", "zzq_owner__zzq_name", "labels__zzq_text"]
    list_filter = ["title", "zzq_role", "zzq_level", "zzq_owner", "zzq_owner__zzq_name", "labels"]
    ordering = ["-zzq_role", "title"]
    readonly_fields = ["zzq_level"]
    column_labels = {"zzq_role": "zzq label", "title": "Title"}
    help_texts = {"zzq_role": "zzq help"}
    widgets = {"zzq_needed": "textarea"}
    fieldsets = [("Main", ["title", "labels"]), ("markzz group", ["zzq_role", "zzq_owner"])]
    inlines = [Inline(Note)]
    importable = True
    display_field = "zzq_needed"
    version_field = "zzq_version"

    async def hidden(self, ctx: Any) -> set[str]:
        return set() if "hr" in ctx.user.roles else {"zzq_owner", "zzq_version"}

    @column("Shout", ordering="zzq_needed")
    async def shout(self, ctx: Any, record: Any) -> str:
        return str(record.title).upper()

    @action("Count")
    async def count(self, ctx: Any, rows: Any) -> str:
        return f"{await rows.count()} counted"


class LabelAdmin(ModelAdmin):
    field_access = {"zzq_text": HR}
    search_fields = ["zzq_text", "shade"]


class NoteAdmin(ModelAdmin):
    field_access = {"zzq_remark": HR}
    importable = True


class Roles(AuthProvider):
    """Whoever sends roles has them."""

    async def authenticate(self, request: AuthRequest) -> AdminUser | None:
        return AdminUser(id="7", name="Somebody", roles=request.headers.get("x-roles", "").split())


def new_site(**arguments: Any) -> AdminSite:
    """A panel on which a user without the role `hr` sees no trace of what is hidden."""
    site = AdminSite(auth_provider=Roles(), audit=True, **arguments)
    site.register(Vault, VaultAdmin, chart=None)
    site.register(Label, LabelAdmin)
    site.register(Note, NoteAdmin)
    site.register(Visit, list_filter=["vault__zzq_role", "vault"], search_fields=["vault__zzq_needed", "day"])
    site.register(ZzqOwner, access={"view": ["chief"]})
    return site


async def fill() -> None:
    """Rows of every table: vaults 1 and 2, labels 1 and 2, note 1, visit 1."""
    owner = await ZzqOwner.objects.create(zzq_name="markzz-owner")
    labels = [await Label.objects.create(zzq_text=f"markzz-label-{n}", shade=f"shade {n}") for n in (1, 2)]
    for number in (1, 2):
        vault = await Vault.objects.create(
            title=f"Vault {number}",
            zzq_first=f"markzz-first-{number}",
            zzq_role=number,
            zzq_bytes=b"markzz-bytes",
            zzq_needed=f"markzz-needed-{number}",
            zzq_owner=owner,
        )
        await VaultLabel.objects.create(vault=vault, label=labels[number - 1])
        await ZzqVaultLabel.objects.create(vault=vault, label=labels[0])
    await Note.objects.create(vault=vault, text="note")
    await Visit.objects.create(vault=vault, day="monday")
