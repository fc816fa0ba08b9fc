"""The routes: a module and a router for each thing."""

from trailbook.routes import figures, labels, regions, trails

# Fixed paths stand before those with a key in the same place.
ROUTERS = (
    figures.router,
    trails.router,
    labels.router,
    regions.router,
)
