"""The panel in Quart: `uvicorn mounts.on_quart:app`."""

from quart import Quart

from oxyde import db
from oxyde_admin import QuartAdmin
from trailbook.panel import add_panel
from trailbook.settings import Settings

settings = Settings.from_environment()
app = Quart("trailbook")
add_panel(QuartAdmin, settings, prefix="/admin").init_app(app)


@app.before_serving
async def start() -> None:
    await db.init(default=settings.database_url)


@app.after_serving
async def stop() -> None:
    await db.close()


@app.get("/hello")
async def hello() -> dict[str, str]:
    """The host's own route."""
    return {"hello": "hikers"}
