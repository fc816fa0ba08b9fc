"""Tables with a field for every widget, for the tests of the form."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Literal
from uuid import UUID

from pydantic import AnyUrl, AwareDatetime, BaseModel, EmailStr, SecretStr
from pydantic import Field as Constraint

from oxyde import Field, Model
from oxyde_admin import Inline, ModelAdmin, action, column


class Mood(str, Enum):
    CALM = "calm"
    GLAD = "glad"


class Month(str, Enum):
    JAN, FEB, MAR, APR, MAY, JUN = "jan", "feb", "mar", "apr", "may", "jun"
    JUL, AUG, SEP, OCT, NOV, DEC = "jul", "aug", "sep", "oct", "nov", "dec"


class Facts(BaseModel):
    height: int = Constraint(ge=0)
    note: str | None = None
    paths: list[str] = []


class Maker(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=30, db_unique=True)

    class Meta:
        is_table = True
        table_name = "makers"


class Topic(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=30)

    class Meta:
        is_table = True
        table_name = "topics"


class Sample(Model):
    """One field of every kind; the optional ones hold NULL until something is entered."""

    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=20)
    maker: Maker = Field(db_on_delete="RESTRICT")
    helper: Maker | None = Field(default=None, db_on_delete="SET NULL")
    flag: bool = False
    maybe: bool | None = None
    whole: int | None = None
    price: Decimal | None = Field(default=None, max_digits=20, decimal_places=3)
    ratio: float | None = None
    nick: str | None = Field(default=None, max_length=15)
    story: str | None = Field(default=None, db_type="TEXT")
    email: EmailStr | None = None
    home: AnyUrl | None = None
    size: Literal["s", "m", "l"] = "m"
    secret: SecretStr | None = None
    colour: str | None = Field(default=None, max_length=20)
    slug: str | None = Field(default=None, max_length=40)
    text: str | None = Field(default=None, db_type="TEXT")
    data: bytes | None = None
    local: datetime | None = None
    moment: AwareDatetime | None = None
    day: date | None = None
    hour: time | None = None
    length: timedelta | None = None
    uid: UUID | None = None
    host: IPv4Address | None = None
    net: IPv4Network | None = None
    mood: Mood | None = None
    month: Month | None = None
    words: list[str] = Field(default_factory=list)
    numbers: list[int] | None = None
    moods: list[Mood] = Field(default_factory=list)
    extra: dict[str, Any] | None = None
    facts: Facts | None = None
    grid: list[list[int]] | None = None
    topics: list[Topic] = Field(db_m2m=True, db_through="SampleTopic")

    class Meta:
        is_table = True
        table_name = "samples"


class SampleTopic(Model):
    sample: Sample = Field(db_pk=True, db_on_delete="CASCADE")
    topic: Topic = Field(db_pk=True, db_on_delete="CASCADE")

    class Meta:
        is_table = True
        table_name = "sample_topics"


class Remark(Model):
    """Rows of an inline."""

    id: int | None = Field(default=None, db_pk=True)
    sample: Sample = Field(db_on_delete="CASCADE")
    body: str = Field(max_length=30)
    stars: int | None = Field(default=None, ge=1, le=5)

    class Meta:
        is_table = True
        table_name = "remarks"


ALL: tuple[type[Model], ...] = (Maker, Topic, Sample, SampleTopic, Remark)


class Praise(BaseModel):
    words: str = Constraint(min_length=3, title="Words")


class SampleAdmin(ModelAdmin):
    label = "Samples"
    display_field = "name"
    list_display = ["name", "maker_id"]
    widgets = {"colour": "color", "slug": "slug", "text": "markdown"}
    help_texts = {"nick": "What friends say.", "doubled": "Twice the whole."}
    readonly_fields = ["doubled"]
    inlines = [Inline(Remark, fields=["body", "stars"])]

    async def can(self, ctx: Any, action: str, record: Any = None) -> bool:
        """Locked samples are only looked at."""
        return action in ("view", "history") or getattr(record, "name", "") != "locked"

    async def readonly(self, ctx: Any, record: Any = None) -> set[str]:
        """What a settled sample is called is settled."""
        return {"nick", "maker"} if getattr(record, "name", None) == "settled" else set()

    @column("Doubled")
    async def doubled(self, ctx: Any, record: Any) -> int | None:
        return None if record.whole is None else record.whole * 2

    @action("Praise", scope="row", form=Praise, confirm="Praise {n} sample?")
    async def praise(self, ctx: Any, record: Any, form: Praise) -> str:
        record.nick = form.words
        await record.save(client=ctx.client, update_fields={"nick"})
        return "Praised"
