"""What the tests of SQL share: conditions and statements in one dialect, without the fixed part."""

from __future__ import annotations

from typing import Any

from parcels import Parcel

P = Parcel.objects


def where(query: Any, dialect: str = "postgres") -> tuple[str, list[Any]]:
    """The WHERE clause (and what follows) with its parameters."""
    text, params = query.values("id").sql(dialect=dialect)
    return text.partition(" WHERE ")[2], params


def lookup(dialect: str = "postgres", **keywords: Any) -> tuple[str, list[Any]]:
    """The condition of filter(**keywords) on parcels."""
    return where(P.filter(**keywords), dialect)


def sql(query: Any, dialect: str = "postgres") -> str:
    """The text alone."""
    return str(query.sql(dialect=dialect)[0])
