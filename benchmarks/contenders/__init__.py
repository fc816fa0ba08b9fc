"""One module per way to the database; each has a class `Contender` of the same shape."""

from __future__ import annotations

import importlib
from typing import Any

# name in the table -> (module, kind). raw: tuples from a driver; orm: objects of an ORM.
CONTENDERS: dict[str, tuple[str, str]] = {
    "oxyde": ("oxyde_", "us"),
    "sqlite3": ("sqlite3_", "raw"),
    "apsw": ("apsw_", "raw"),
    "aiosqlite": ("aiosqlite_", "raw"),
    "sqlalchemy": ("sqlalchemy_", "orm"),
    "tortoise": ("tortoise_", "orm"),
    "django": ("django_", "orm"),
}


def make(name: str) -> Any:
    """A fresh contender."""
    module, _ = CONTENDERS[name]
    return importlib.import_module(f"benchmarks.contenders.{module}").Contender()
