"""A second module with tables, and a table of a table."""

from oxyde import Field, Model

from .base import ActiveQuery
from .models import Crate, Orchard


class Shelf(Model):
    name: str = Field(db_pk=True, max_length=8)
    active: bool = True
    orchard: Orchard = Field(db_on_delete="CASCADE")
    crates: list[Crate] = Field(db_reverse_fk="shelf")

    objects = ActiveQuery.as_manager()

    class Meta:
        is_table = True


class Rack(Shelf):
    height: int

    class Meta(Shelf.Meta):
        pass
