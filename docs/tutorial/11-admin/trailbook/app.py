"""The application."""

from __future__ import annotations

from fastapi import FastAPI

from oxyde import db
from oxyde_admin import FastAPIAdmin
from trailbook import errors
from trailbook.limits import LoginLimit
from trailbook.panel import add_panel
from trailbook.routes import ROUTERS
from trailbook.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API, its documentation at /docs, the admin panel at /admin/."""
    settings = settings or Settings.from_environment()
    connected = db.lifespan(default=settings.database_url)
    app = FastAPI(title="Trailbook", description="A club's blog of hiking routes.", lifespan=connected)
    app.state.settings = settings
    app.state.login_limit = LoginLimit()
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/admin", add_panel(FastAPIAdmin, settings).app)
    return app
