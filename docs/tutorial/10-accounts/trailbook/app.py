"""The application."""

from __future__ import annotations

from fastapi import FastAPI

from oxyde import db
from trailbook import errors
from trailbook.limits import LoginLimit
from trailbook.routes import ROUTERS
from trailbook.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API and its documentation at /docs."""
    settings = settings or Settings.from_environment()
    connected = db.lifespan(default=settings.database_url)
    app = FastAPI(title="Trailbook", description="A club's blog of hiking routes.", lifespan=connected)
    app.state.settings = settings
    app.state.login_limit = LoginLimit()
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)
    return app
