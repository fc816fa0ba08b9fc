"""Migrations: snapshots of schemas, what differs, the files that lead there, and their history."""

from .context import MigrationContext
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
from .executor import apply_migrations, plan_migrations, rollback_migration, rollback_migrations
from .extract import extract_current_schema
from .files import get_migration_files, get_pending_migrations
from .generator import generate_migration_file
from .live import check_schema, generate_models, inspect_database
from .render import render_operations
from .replay import replay_migrations
from .squash import SquashResult, squash_migrations
from .state import SchemaState
from .tracker import (
    ensure_migrations_table,
    get_applied_migrations,
    record_migration,
    remove_migration,
)

__all__ = [
    "CircularDependencyError",
    "DependencyError",
    "IrreversibleError",
    "ManualMigrationRequired",
    "MigrationConflictError",
    "MigrationContext",
    "MigrationError",
    "MigrationFileNotFoundError",
    "MigrationLockTimeout",
    "SchemaError",
    "SchemaState",
    "SquashResult",
    "UnknownMigrationError",
    "apply_migrations",
    "check_schema",
    "compute_diff",
    "ensure_migrations_table",
    "extract_current_schema",
    "generate_migration_file",
    "generate_models",
    "get_applied_migrations",
    "get_migration_files",
    "get_pending_migrations",
    "inspect_database",
    "plan_migrations",
    "record_migration",
    "remove_migration",
    "render_operations",
    "replay_migrations",
    "rollback_migration",
    "rollback_migrations",
    "squash_migrations",
]
