"""The panel in FastAPI: `uvicorn mounts.on_fastapi:app`."""

from fastapi import FastAPI

from oxyde import db
from oxyde_admin import FastAPIAdmin
from trailbook.panel import add_panel
from trailbook.settings import Settings

settings = Settings.from_environment()
app = FastAPI(lifespan=db.lifespan(default=settings.database_url))
app.mount("/admin", add_panel(FastAPIAdmin, settings).app)


@app.get("/hello")
async def hello() -> dict[str, str]:
    """The host's own route."""
    return {"hello": "hikers"}
