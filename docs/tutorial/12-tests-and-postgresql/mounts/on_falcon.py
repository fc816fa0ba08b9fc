"""The panel in Falcon: `uvicorn mounts.on_falcon:app`."""

from typing import Any

from falcon.asgi import App, Request, Response

from oxyde import db
from oxyde_admin import FalconAdmin
from trailbook.panel import add_panel
from trailbook.settings import Settings

settings = Settings.from_environment()


class Hello:
    async def process_startup(self, scope: Any, event: Any) -> None:
        await db.init(default=settings.database_url)

    async def process_shutdown(self, scope: Any, event: Any) -> None:
        await db.close()

    async def on_get(self, request: Request, response: Response) -> None:
        """The host's own route."""
        response.media = {"hello": "hikers"}


app = App(middleware=[Hello()])
app.add_route("/hello", Hello())
add_panel(FalconAdmin, settings, prefix="/admin").init_app(app)
