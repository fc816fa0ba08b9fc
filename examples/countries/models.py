"""The tables of the demo: two Pydantic models that know each other."""

from __future__ import annotations

from datetime import datetime, timezone

from oxyde import Field, Index, Model


class Country(Model):
    """A country of ISO 3166-1."""

    code: str = Field(db_pk=True, pattern=r"^[A-Z]{2}$", max_length=2)
    alpha_3: str = Field(db_unique=True, min_length=3, max_length=3)
    numeric: int = Field(ge=0, lt=1000)
    name: str
    official_name: str | None = None
    flag: str
    subdivisions: list[Subdivision] = Field(db_reverse_fk="country")
    loaded: datetime = Field(default_factory=lambda: datetime.now(timezone.utc).replace(tzinfo=None))

    class Meta:
        is_table = True


class Subdivision(Model):
    """A state, province, region ... of ISO 3166-2."""

    code: str = Field(db_pk=True, pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}$", max_length=6)
    country: Country = Field(db_on_delete="CASCADE")  # adds the field and column country_code
    name: str
    kind: str
    parent_code: str | None = None

    class Meta:
        is_table = True
        indexes = [Index(("country", "kind"))]
