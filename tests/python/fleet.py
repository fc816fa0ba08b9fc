"""Models with every kind of relation, which the tests of relations share."""

from __future__ import annotations

from oxyde import Field, Model


class Region(Model):
    code: str = Field(db_pk=True, max_length=4)
    name: str = ""
    parent: Region | None = Field(default=None, db_on_delete="SET NULL")
    children: list[Region] = Field(db_reverse_fk="parent")
    depots: list[Depot] = Field(db_reverse_fk="region")

    class Meta:
        is_table = True
        table_name = "fleet_regions"


class Depot(Model):
    code: str = Field(db_pk=True, max_length=8)
    label: str = Field(default="", max_length=40)
    region: Region | None = None
    trucks: list[Truck] = Field(db_reverse_fk="home")

    class Meta:
        is_table = True
        table_name = "fleet_depots"


class Truck(Model):
    id: int | None = Field(default=None, db_pk=True)
    plate: str = Field(db_unique=True, max_length=12)
    home: Depot | None = Field(default=None, db_nullable=False, db_on_delete="CASCADE")
    licence: Licence | None = Field(db_reverse_fk="truck")
    crew: list[Person] = Field(db_m2m=True, db_through="TruckCrew")

    class Meta:
        is_table = True
        table_name = "fleet_trucks"


class Licence(Model):
    """One for each truck."""

    number: str = Field(db_pk=True, max_length=10)
    truck: Truck = Field(db_unique=True, db_on_delete="CASCADE")

    class Meta:
        is_table = True
        table_name = "fleet_licences"


class Person(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=40)
    trucks: list[Truck] = Field(db_m2m=True, db_through="TruckCrew")
    friends: list[Person] = Field(db_m2m=True, db_through="Friendship")

    class Meta:
        is_table = True
        table_name = "fleet_people"


class TruckCrew(Model):
    """Who drives what."""

    truck: Truck = Field(db_pk=True, db_on_delete="CASCADE")
    person: Person = Field(db_pk=True, db_on_delete="CASCADE")
    role: str = "driver"

    class Meta:
        is_table = True
        table_name = "fleet_crew"


class Friendship(Model):
    """From one person to another."""

    id: int | None = Field(default=None, db_pk=True)
    giver: Person = Field(db_on_delete="CASCADE")
    taker: Person = Field(db_on_delete="CASCADE")

    class Meta:
        is_table = True
        table_name = "fleet_friends"
        unique_together = [("giver", "taker")]


class Berth(Model):
    """A composite key that begins with a foreign key."""

    depot: Depot = Field(db_pk=True, db_on_delete="CASCADE")
    number: int = Field(db_pk=True)
    length: int = 10
    visits: list[Visit] = Field(db_reverse_fk="berth")

    class Meta:
        is_table = True
        table_name = "fleet_berths"


class Visit(Model):
    """A foreign key of two columns, and one to a unique field that is no key."""

    id: int | None = Field(default=None, db_pk=True)
    berth: Berth | None = None
    truck: Truck | None = Field(default=None, db_fk="plate")

    class Meta:
        is_table = True
        table_name = "fleet_visits"


FLEET: list[type[Model]] = [
    Region, Depot, Truck, Licence, Person, TruckCrew, Friendship, Berth, Visit,
]  # fmt: skip
