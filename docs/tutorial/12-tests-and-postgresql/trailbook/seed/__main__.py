"""`python -m trailbook.seed`: adds the seed's rows to the database of the settings."""

from __future__ import annotations

import argparse
import asyncio

from oxyde import db
from trailbook.seed import VISITS, administrator, seed, set_passwords
from trailbook.settings import Settings


async def run(visits: int, passwords: bool) -> None:
    """Seeds, and says how to log in."""
    async with db.connect(Settings.from_environment().database_url):
        await seed(visits)
        password = await set_passwords() if passwords else None
        login = await administrator()
    if password and login:
        print(f"Administrator: {login}  password: {password}")
    elif passwords:
        print("No member of the seed has a seeded password any more; none was changed.")


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(prog="python -m trailbook.seed", description=__doc__)
    parser.add_argument("--visits", type=int, default=VISITS, help="how many visits, up to a million")
    parser.add_argument(
        "--no-password", action="store_true", help="leave the seeded members without a new password"
    )
    given = parser.parse_args()
    if not 0 <= given.visits <= 1_000_000:
        parser.error("--visits takes 0 to 1000000")
    asyncio.run(run(given.visits, not given.no_password))


if __name__ == "__main__":
    main()
