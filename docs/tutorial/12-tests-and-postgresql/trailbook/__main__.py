"""`python -m trailbook`: serves API, its documentation and the admin panel.

With `--setup` it first brings the database up to date, adds the seed's rows and gives the seeded
members a new password, which it shows and keeps nowhere.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import uvicorn

from oxyde import db
from oxyde.migrations import apply_migrations
from trailbook.app import create_app
from trailbook.seed import VISITS, administrator, seed, set_passwords
from trailbook.settings import Settings

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


async def set_up(settings: Settings, visits: int = VISITS) -> str:
    """Migrates and seeds; what to say about logging in."""
    async with db.connect(settings.database_url):
        await apply_migrations(str(MIGRATIONS))
        await seed(visits)
        password, email = await set_passwords(), await administrator()
    if password is None or email is None:
        return "log in with your own password: none of the seed is left"
    return f"log in as {email} with {password}"


def main() -> None:
    """Reads arguments and environment, and serves."""
    parser = argparse.ArgumentParser(prog="python -m trailbook", description=__doc__)
    parser.add_argument("--setup", action="store_true", help="migrate and seed first")
    wanted = parser.parse_args()
    settings = Settings.from_environment()
    login = asyncio.run(set_up(settings)) if wanted.setup else None
    base = f"http://127.0.0.1:{settings.port}"
    print(
        f"API             {base}/trails\nInteractive docs {base}/docs\nAdmin            {base}/admin/",
        flush=True,
    )
    if login:
        print(f"                {login}", flush=True)
    uvicorn.run(create_app(settings), host="127.0.0.1", port=settings.port, log_level="warning")


if __name__ == "__main__":
    main()
