"""The tables."""

from decimal import Decimal
from enum import Enum

from oxyde import Field, Model


class Difficulty(str, Enum):
    """How hard a trail is."""

    EASY = "easy"
    MODERATE = "moderate"
    HARD = "hard"
    EXPERT = "expert"


class Trail(Model):
    """A hiking route."""

    id: int | None = Field(default=None, db_pk=True)
    title: str = Field(min_length=1, max_length=120)
    body: str = Field(default="", db_type="TEXT")
    difficulty: Difficulty = Difficulty.EASY
    length_km: Decimal = Field(gt=0, max_digits=6, decimal_places=2)

    class Meta:
        is_table = True
        table_name = "trails"
