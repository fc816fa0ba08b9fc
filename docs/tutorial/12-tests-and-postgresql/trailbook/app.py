"""The application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from oxyde import db
from oxyde_admin import FastAPIAdmin
from trailbook import errors
from trailbook.limits import LoginLimit
from trailbook.models import Member
from trailbook.panel import add_panel
from trailbook.routes import ROUTERS
from trailbook.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API, its documentation at /docs, the admin panel at /admin/."""
    settings = settings or Settings.from_environment()
    connected = db.lifespan(default=settings.database_url)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with connected(app):
            if not settings.debug:
                await refuse_seeded_passwords()
            yield

    app = FastAPI(title="Trailbook", description="A club's blog of hiking routes.", lifespan=lifespan)
    app.state.settings = settings
    app.state.login_limit = LoginLimit()
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/admin", add_panel(FastAPIAdmin, settings).app)
    return app


async def refuse_seeded_passwords() -> None:
    """Outside of trials nobody may log in with a password that the seed made."""
    seeded = (
        await Member.objects.filter(password_seeded=True, active=True).values_list("handle", flat=True).all()
    )
    if seeded:
        raise RuntimeError(
            f"These members still have the password of the seed: {', '.join(sorted(seeded))}. "
            "Change it, deactivate them, or set TRAILBOOK_DEBUG=true for a trial."
        )
