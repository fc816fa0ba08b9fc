"""Helpers that need no database."""

from __future__ import annotations

__all__ = ["detect_dialect"]

_PREFIXES = {"sqlite": "sqlite", "postgres": "postgres", "mysql": "mysql", "mariadb": "mysql"}


def detect_dialect(url: str) -> str:
    """`"sqlite"`, `"postgres"` or `"mysql"` by the beginning of a URL; anything else is `"postgres"`."""
    lowered = url.lower()
    for prefix, dialect in _PREFIXES.items():
        if lowered.startswith(prefix):
            return dialect
    return "postgres"
