"""Errors of migrations. All are `MigrationError`; some also a built-in one, for older `except` clauses."""

from __future__ import annotations

from ..exceptions import MigrationError

__all__ = [
    "CircularDependencyError",
    "DependencyError",
    "MigrationError",
    "SchemaError",
    "UnknownMigrationError",
]


class SchemaError(MigrationError, ValueError):
    """A schema or an operation that makes no sense, or that the database cannot hold."""


class CircularDependencyError(MigrationError, ValueError):
    """Files that depend on each other in a circle."""


class DependencyError(MigrationError):
    """A file that depends on something missing or not applied, or that others depend on."""


class UnknownMigrationError(MigrationError, ValueError):
    """A name that no file has, or that several could mean."""
