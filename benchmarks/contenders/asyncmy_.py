"""asyncmy: PyMySQL's protocol compiled with Cython; tuples."""

from __future__ import annotations

from typing import Any

import asyncmy

from benchmarks.contenders import mysql_cursor


class Contender(mysql_cursor.Contender):
    """Rows as tuples."""

    driver = asyncmy

    async def open_cursor(self) -> Any:
        return self.db.cursor()
