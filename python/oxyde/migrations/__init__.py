"""Migrations: snapshots of schemas, what differs between two, and the files that lead from one to the other.

Applying files to a database is not part of this version yet.
"""

from .diff import compute_diff
from .errors import (
    CircularDependencyError,
    DependencyError,
    IrreversibleError,
    ManualMigrationRequired,
    MigrationConflictError,
    MigrationError,
    MigrationFileNotFoundError,
    MigrationLockTimeout,
    SchemaError,
    UnknownMigrationError,
)
from .extract import extract_current_schema
from .files import get_migration_files, get_pending_migrations
from .generator import generate_migration_file
from .render import render_operations
from .replay import replay_migrations
from .state import SchemaState

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
    "SchemaState",
    "UnknownMigrationError",
    "compute_diff",
    "extract_current_schema",
    "generate_migration_file",
    "get_migration_files",
    "get_pending_migrations",
    "render_operations",
    "replay_migrations",
]
