"""aiomysql: PyMySQL's protocol, awaited; tuples."""

from __future__ import annotations

from typing import Any

import aiomysql

from benchmarks.contenders import mysql_cursor


class Contender(mysql_cursor.Contender):
    """Rows as tuples."""

    driver = aiomysql

    async def open_cursor(self) -> Any:
        return await self.db.cursor()
