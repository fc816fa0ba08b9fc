"""Errors of migrations. All are `MigrationError`; some also a built-in one, for older `except` clauses."""

from __future__ import annotations

from ..exceptions import MigrationError

__all__ = [
    "CircularDependencyError",
    "DependencyError",
    "IrreversibleError",
    "ManualMigrationRequired",
    "MigrationConflictError",
    "MigrationError",
    "MigrationFileNotFoundError",
    "MigrationLockTimeout",
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


class MigrationConflictError(MigrationError):
    """Several files that no other one depends on: they have to be joined first."""


class MigrationFileNotFoundError(MigrationError, FileNotFoundError):
    """A migration that was applied, and whose file is gone."""


class IrreversibleError(MigrationError):
    """A migration without a way back, or whose way back cannot restore what was there."""


class ManualMigrationRequired(MigrationError):
    """`ctx.require_manual(message)`: something has to be done by hand first."""


class MigrationLockTimeout(MigrationError):
    """Another process held the lock of the migrations for too long."""
