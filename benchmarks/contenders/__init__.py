"""One module per way to the database; each has a class `Contender` of the same shape."""

from __future__ import annotations

import importlib
from typing import Any

# database -> name in the table -> (module, kind). raw: tuples from a driver; orm: objects of an ORM.
CONTENDERS: dict[str, dict[str, tuple[str, str]]] = {
    "sqlite": {
        "oxyde": ("oxyde_", "us"),
        "sqlite3": ("sqlite3_", "raw"),
        "apsw": ("apsw_", "raw"),
        "aiosqlite": ("aiosqlite_", "raw"),
        "sqlalchemy": ("sqlalchemy_", "orm"),
        "tortoise": ("tortoise_", "orm"),
        "django": ("django_", "orm"),
    },
    "postgres": {
        "oxyde": ("oxyde_", "us"),
        "asyncpg": ("asyncpg_", "raw"),
        "asyncpg pool": ("asyncpg_pool", "raw"),
        "psycopg": ("psycopg_", "raw"),
        "sqlalchemy": ("sqlalchemy_", "orm"),
        "tortoise": ("tortoise_", "orm"),
        "piccolo": ("piccolo_", "orm"),
        "django": ("django_", "orm"),
    },
    "mysql": {
        "oxyde": ("oxyde_", "us"),
        "aiomysql": ("aiomysql_", "raw"),
        "asyncmy": ("asyncmy_", "raw"),
        "sqlalchemy": ("sqlalchemy_", "orm"),
        "tortoise": ("tortoise_", "orm"),
        "django": ("django_", "orm"),
    },
}


def make(database: str, name: str) -> Any:
    """A fresh contender."""
    module, _ = CONTENDERS[database][name]
    return importlib.import_module(f"benchmarks.contenders.{module}").Contender()
