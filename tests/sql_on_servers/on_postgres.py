"""Statements on PostgreSQL, prepared and bound as the driver does it."""

from __future__ import annotations

import base64
import json
from typing import Any

import psycopg
import servers

# The type that each kind's parameters are declared as; the rest is left to the server.
OIDS = {
    "boolean": 16,
    "big_integer": 20,
    "timedelta": 20,
    "double": 701,
    "string": 25,
    "text": 25,
    "blob": 17,
    "date_time": 1114,
    "date_time_utc": 1184,
    "date": 1082,
    "time": 1083,
    "interval": 1186,
    "uuid": 2950,
    "decimal": 1700,
    "inet": 869,
    "cidr": 650,
    "json": 3802,
    "json_binary": 3802,
}
ARRAY_OIDS = {
    16: 1000,
    20: 1016,
    701: 1022,
    25: 1009,
    17: 1001,
    1114: 1115,
    1184: 1185,
    1082: 1182,
    1083: 1183,
    2950: 2951,
    1700: 1231,
    869: 1041,
    650: 651,
    3802: 3807,
}


def oid_of(kind: str) -> int:
    if kind.endswith("?"):
        return 0
    if kind.endswith("[]"):
        return ARRAY_OIDS.get(OIDS.get(kind[:-2], 0), 0)
    return OIDS.get(kind, 0)


def text_of(value: Any, kind: str) -> bytes | None:
    """The parameter's text form."""
    kind = kind.rstrip("?")
    if value is None:
        return None
    if kind.endswith("[]") and isinstance(value, list):
        text = _array(value, kind[:-2])
    elif kind == "blob":
        text = "\\x" + base64.b64decode(value).hex()
    elif kind in ("json", "json_binary") or isinstance(value, bool | list | dict):
        text = json.dumps(value)
    else:
        text = str(value)
    return text.encode()


def _array(items: list[Any], kind: str) -> str:
    out = []
    for item in items:
        if item is None:
            out.append("NULL")
        elif isinstance(item, list):
            out.append(_array(item, kind))
        else:
            text = (text_of(item, kind) or b"").decode()
            out.append('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
    return "{" + ",".join(out) + "}"


class Session:
    """One connection in a transaction that is never committed."""

    def __init__(self, server: servers.Server) -> None:
        self.connection = psycopg.connect(server.url, autocommit=True)
        self.connection.execute("SET statement_timeout = '10s'; SET TimeZone = 'UTC'")
        self.raw = self.connection.pgconn

    def run(
        self, sql: str, kinds: tuple[str, ...], values: tuple[Any, ...], before: str = ""
    ) -> list[tuple[str | None, ...]]:
        """The rows, as text. Raises RuntimeError in the server's words."""
        self._check(self.raw.exec_(f"BEGIN; {before}".encode()))
        try:
            self.prepare(sql, kinds)
            texts = [text_of(value, kind) for value, kind in zip(values, kinds, strict=True)]
            result = self._check(self.raw.exec_prepared(b"", texts))
            return [
                tuple(
                    None if (cell := result.get_value(row, column)) is None else cell.decode()
                    for column in range(result.nfields)
                )
                for row in range(result.ntuples)
            ]
        finally:
            self._check(self.raw.exec_(b"ROLLBACK"))

    def prepare(self, sql: str, kinds: tuple[str, ...]) -> None:
        self._check(self.raw.prepare(b"", sql.encode(), [oid_of(kind) for kind in kinds]))

    def _check(self, result: Any) -> Any:
        if result.error_message:
            raise RuntimeError(result.error_message.decode().strip())
        return result

    def close(self) -> None:
        self.connection.close()
