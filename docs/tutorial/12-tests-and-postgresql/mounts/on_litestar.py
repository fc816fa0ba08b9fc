"""The panel in Litestar: `uvicorn mounts.on_litestar:app`."""

from litestar import Litestar, asgi, get

from oxyde import db
from oxyde_admin import LitestarAdmin
from trailbook.panel import add_panel
from trailbook.settings import Settings

settings = Settings.from_environment()
panel = add_panel(LitestarAdmin, settings)


@get("/hello")
async def hello() -> dict[str, str]:
    """The host's own route."""
    return {"hello": "hikers"}


app = Litestar(
    route_handlers=[hello, asgi("/admin", is_mount=True, copy_scope=True)(panel.app)],
    lifespan=[db.lifespan(default=settings.database_url)],
)
