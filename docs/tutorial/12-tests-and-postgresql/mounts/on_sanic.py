"""The panel in Sanic: `sanic mounts.on_sanic:app --single-process`."""

from typing import Any

from sanic import HTTPResponse, Request, Sanic, json

from oxyde import db
from oxyde_admin import SanicAdmin
from trailbook.panel import add_panel
from trailbook.settings import Settings

settings = Settings.from_environment()
app: Sanic[Any, Any] = Sanic("trailbook")
app.blueprint(add_panel(SanicAdmin, settings, prefix="/admin").blueprint)


@app.before_server_start
async def start(_: Sanic[Any, Any]) -> None:
    await db.init(default=settings.database_url)


@app.after_server_stop
async def stop(_: Sanic[Any, Any]) -> None:
    await db.close()


@app.get("/hello")
async def hello(_: Request) -> HTTPResponse:
    """The host's own route."""
    return json({"hello": "hikers"})
