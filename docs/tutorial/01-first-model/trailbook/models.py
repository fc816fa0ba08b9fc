"""The tables."""

from decimal import Decimal

from oxyde import Field, Model


class Trail(Model):
    """A hiking route."""

    id: int | None = Field(default=None, db_pk=True)
    title: str = Field(min_length=1, max_length=120)
    body: str = Field(default="", db_type="TEXT")
    length_km: Decimal = Field(gt=0, max_digits=6, decimal_places=2)

    class Meta:
        is_table = True
        table_name = "trails"
