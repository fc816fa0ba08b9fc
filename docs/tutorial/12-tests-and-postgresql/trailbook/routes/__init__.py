"""The routes: a module and a router for each thing."""

from trailbook.routes import (
    accounts,
    favourites,
    figures,
    labels,
    members,
    regions,
    remarks,
    trail_labels,
    trails,
    visits,
)

# Fixed paths stand before those with a key in the same place.
ROUTERS = (
    accounts.router,
    members.router,
    figures.router,
    trails.router,
    trail_labels.router,
    remarks.router,
    labels.router,
    favourites.router,
    visits.router,
    regions.router,
)
