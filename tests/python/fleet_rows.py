"""A few rows of every model of the fleet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fleet import FLEET, Berth, Depot, Licence, Region, Truck, Visit
from parcels import served
from servers import Server

from oxyde import db


@asynccontextmanager
async def filled_fleet(server: Server) -> AsyncIterator[db.AsyncDatabase]:
    """Trucks A 1 and A 2 in N4 (region DE, which is in EU), B 1 in S1 (no region); only A 1 has a
    licence. Visits 1 to 4: A 1 and A 2 at berth N4/1, nobody at N4/2, B 1 nowhere."""
    async with served(server, FLEET) as database:
        await Region.objects.create(code="EU", name="Europe")
        await Region.objects.create(code="DE", name="Germany", parent_code="EU")
        await Depot.objects.bulk_create(
            [Depot(code="N4", label="North", region_code="DE"), Depot(code="S1", label="South")]
        )
        await Truck.objects.bulk_create(
            [
                Truck(id=n, plate=plate, home_code=home)
                for n, plate, home in ((1, "A 1", "N4"), (2, "A 2", "N4"), (3, "B 1", "S1"))
            ]
        )
        await Licence.objects.create(number="L1", truck_id=1)
        await Berth.objects.bulk_create(
            [Berth(depot_code="N4", number=1), Berth(depot_code="N4", number=2, length=20)]
        )
        for n, number, plate in ((1, 1, "A 1"), (2, 1, "A 2"), (3, 2, None), (4, None, "B 1")):
            depot = None if number is None else "N4"
            await Visit.objects.create(id=n, berth_depot_code=depot, berth_number=number, truck_plate=plate)
        yield database
