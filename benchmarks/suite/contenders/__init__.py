"""A module for each way to the database; each class has the same shape: open, close, and a method
without parameters for every job that it can do."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from benchmarks.databases import backend_of

US, USED, TUNED, INLINE, SHOWN = "us", "used", "tuned", "inline", "shown"
BY_HAND, ORM, PUBLISHED, FLOOR = "by hand", "orm", "published", "floor"
APART = (PUBLISHED, FLOOR)  # processes of their own, which measure themselves


@dataclass(frozen=True)
class Entry:
    """Where a contender is written, what it stands for in the targets (one of the kinds above)."""

    module: str
    kind: str
    name: str = "Contender"


PLUS = " + pydantic"
RAW: dict[str, dict[str, Entry]] = {
    "sqlite": {
        "aiosqlite": Entry("aiosqlite_", USED),
        "sqlite3": Entry("sqlite3_", INLINE),
        "apsw": Entry("apsw_", SHOWN),
    },
    "postgres": {
        "asyncpg": Entry("asyncpg_", USED, "Used"),
        "asyncpg tuned": Entry("asyncpg_", TUNED, "Tuned"),
        "psycopg": Entry("psycopg_", SHOWN),
    },
    "mysql": {
        "aiomysql": Entry("mysql", USED, "Aiomysql"),
        "asyncmy": Entry("mysql", TUNED, "Asyncmy"),
    },
}
HELD: dict[str, dict[str, Entry]] = {  # on one connection; a few jobs only
    "postgres": {"asyncpg connection": Entry("asyncpg_", SHOWN, "Held")},
}
EVERYWHERE = {
    "sqlalchemy": Entry("sqlalchemy_", ORM),
    "sqlmodel": Entry("sqlmodel_", ORM),
    "tortoise": Entry("tortoise_", ORM),
    "django": Entry("django_", ORM),
    "peewee": Entry("peewee_", ORM),
}
ORMS: dict[str, dict[str, Entry]] = {
    "sqlite": EVERYWHERE,
    "postgres": {**EVERYWHERE, "piccolo": Entry("piccolo_", ORM)},
    "mysql": EVERYWHERE,
}


def of_database(name: str) -> dict[str, Entry]:
    """All contenders, by the names that the tables show."""
    backend = backend_of(name)
    by_hand = {title + PLUS: Entry("by_hand", BY_HAND) for title in RAW[backend]}
    return {
        "oxyde": Entry("oxyde_", US),
        **RAW[backend],
        **HELD.get(backend, {}),
        **by_hand,
        **ORMS[backend],
        "oxyde 0.8": Entry("published", PUBLISHED),
        "floor": Entry("floor", FLOOR),
    }


def make(entry: Entry, lender: Any = None) -> Any:
    """A fresh contender. By hand works on the connections of the driver's own contender, which is
    open (lender), so that all of them together stay below the connections that a server grants."""
    if entry.kind == BY_HAND:
        from benchmarks.suite.contenders.by_hand import ByHand

        return ByHand(lender)
    if entry.kind == PUBLISHED:
        from benchmarks.suite.published import Published

        return Published()
    if entry.kind == FLOOR:
        from benchmarks.suite.floor import Floor

        return Floor()
    module = importlib.import_module(f"{__name__}.{entry.module}")
    return getattr(module, entry.name)()


def lender_of(name: str) -> str:
    """Whose connections a contender by hand uses."""
    return name.removesuffix(PLUS)
