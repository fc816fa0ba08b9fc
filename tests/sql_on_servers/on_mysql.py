"""Statements on MySQL and MariaDB, prepared by the server with PREPARE."""

from __future__ import annotations

import base64
import json
from typing import Any

import pymysql
import servers


def literal(value: Any, kind: str) -> str:
    """A value as an expression of the type that the codec sends it as."""
    kind = kind.rstrip("?")
    form = str(value)
    if value is None:
        form = "NULL"
    elif isinstance(value, bool):
        form = str(int(value))
    elif kind.endswith("[]") or kind in ("json", "json_binary", "array"):
        form = _text(json.dumps(value, separators=(",", ":")))
    elif kind == "blob":
        form = f"X'{base64.b64decode(value).hex()}'"
    elif kind == "decimal":  # a plain numeral is a DECIMAL; with an exponent it would be a double
        form = form if "e" not in form.lower() else f"CAST('{value}' AS DECIMAL(65, 30))"
    elif kind == "double" and isinstance(value, int | float):
        form = repr(float(value)) if "e" in repr(float(value)) else f"{float(value)!r}e0"
    elif kind in ("date_time", "date_time_utc"):
        form = _text(form.replace("T", " ").removesuffix("Z"))
    elif not isinstance(value, int | float):
        form = _text(value if isinstance(value, str) else json.dumps(value))
    return form


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


class Session:
    """One connection in a transaction that is never committed, with the session's settings of 2.4."""

    def __init__(self, server: servers.Server) -> None:
        self.connection = pymysql.connect(
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password,
            database=server.database,
            charset="utf8mb4",
            read_timeout=10,
        )
        self._do("SET time_zone = '+00:00'")
        self._do(
            "SET sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT,NO_ENGINE_SUBSTITUTION,STRICT_TRANS_TABLES')"
        )

    def _do(self, sql: str) -> Any:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else ()

    def prepare(self, sql: str, kinds: tuple[str, ...]) -> None:
        self._do(f"PREPARE golden FROM {_text(sql)}")

    def run(
        self, sql: str, kinds: tuple[str, ...], values: tuple[Any, ...], before: str = ""
    ) -> list[tuple[Any, ...]]:
        """The rows. Raises RuntimeError in the server's words."""
        try:
            if before:
                self._do(before)
            self.prepare(sql, kinds)
            names = [f"@p{i}" for i in range(len(values))]
            for name, value, kind in zip(names, values, kinds, strict=True):
                self._do(f"SET {name} = {literal(value, kind)}")
            return list(self._do("EXECUTE golden" + (f" USING {', '.join(names)}" if names else "")))
        except pymysql.MySQLError as error:
            raise RuntimeError(f"{error.args}") from error
        finally:
            self.connection.rollback()

    def close(self) -> None:
        self.connection.close()
