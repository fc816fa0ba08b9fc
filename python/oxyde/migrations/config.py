"""`oxyde_config.py`: which models, which databases, and where the migration files are."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import MigrationError, SchemaError

__all__ = [
    "OxydeConfig",
    "find_config",
    "generate_config_file",
    "import_models",
    "load_config",
    "save_config",
]

FILE_NAME = "oxyde_config.py"
DIALECTS = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "sqlite": "sqlite",
    "mysql": "mysql",
    "mariadb": "mysql",
}
DEFAULT_DATABASES = {"default": "postgresql://localhost/mydb"}


@dataclass
class OxydeConfig:
    """What stands in a configuration file."""

    models: list[str] = field(default_factory=list)
    dialect: str = "postgres"
    migrations_dir: str = "migrations"
    databases: dict[str, Any] = field(default_factory=dict)


def find_config(path: str | Path | None = None) -> Path:
    """The file that is meant: the one given, else `OXYDE_CONFIG`, else `oxyde_config.py` here."""
    return Path(path or os.environ.get("OXYDE_CONFIG") or FILE_NAME)


def load_config(path: str | Path | None = None) -> OxydeConfig | None:
    """The configuration; None only if there is no such file.

    The file's directory comes first on `sys.path`, and a relative `MIGRATIONS_DIR` is taken from
    it. An error inside the file propagates as it is.
    """
    file = find_config(path)
    if not file.is_file():
        return None
    folder = file.resolve().parent
    if sys.path[:1] != [str(folder)]:
        sys.path.insert(0, str(folder))
    config = _read(_execute(file), file)
    if folder != Path.cwd():
        config.migrations_dir = str(folder / config.migrations_dir)
    return config


def _execute(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("oxyde_config", file)
    if spec is None or spec.loader is None:
        raise MigrationError(f"{file} cannot be imported: its name ends in .py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _read(module: ModuleType, file: Path) -> OxydeConfig:
    if hasattr(module, "DATABASE_MODELS"):
        raise MigrationError(
            f"{file}: DATABASE_MODELS is not supported; use a configuration file per database"
        )
    models = getattr(module, "MODELS", [])
    if isinstance(models, str) or not all(isinstance(name, str) for name in models):
        raise MigrationError(f"{file}: MODELS is a list of module names, not {models!r}")
    folder = getattr(module, "MIGRATIONS_DIR", "migrations")
    if not isinstance(folder, (str, os.PathLike)):
        raise MigrationError(f"{file}: MIGRATIONS_DIR is a path, not {folder!r}")
    databases = getattr(module, "DATABASES", {})
    if not isinstance(databases, Mapping):
        raise MigrationError(f"{file}: DATABASES is a dict of alias and URL, not {type(databases).__name__}")
    return OxydeConfig(
        models=list(models),
        dialect=known_dialect(getattr(module, "DIALECT", "postgres"), str(file)),
        migrations_dir=str(folder),
        databases=dict(databases),
    )


def known_dialect(name: Any, where: str) -> str:
    """The dialect's own name; `mariadb` is `mysql` in a configuration."""
    found = DIALECTS.get(name.lower()) if isinstance(name, str) else None
    if found is None:
        raise SchemaError(f"{where}: unknown dialect {name!r}: it is postgres, sqlite or mysql")
    return found


# --- models ---------------------------------------------------------------------------------


def import_models(modules: Iterable[str]) -> int:
    """Imports every module, `package.*` with all that is in the package; how many there were.

    Any failure propagates: a module that is missing must never look like dropped tables.
    """
    names = [found for name in modules for found in _expanded(name)]
    for name in names:
        importlib.import_module(name)
    return len(dict.fromkeys(names))


def _expanded(name: str) -> list[str]:
    if not name.endswith(".*"):
        return [name]
    package = importlib.import_module(name[:-2])
    if not hasattr(package, "__path__"):
        raise ModuleNotFoundError(f"{name}: {name[:-2]} is a module, not a package", name=name[:-2])
    found = [package.__name__]
    for inner in sorted(pkgutil.iter_modules(package.__path__), key=lambda each: each.name):
        full = f"{package.__name__}.{inner.name}"
        # `__main__` is a program, not a part of the package.
        if inner.name != "__main__":
            found += _expanded(f"{full}.*") if inner.ispkg else [full]
    return found


# --- writing -----------------------------------------------------------------------------------


def generate_config_file(
    models: Iterable[str],
    dialect: str = "postgres",
    migrations_dir: str = "migrations",
    databases: Mapping[str, Any] | None = None,
) -> str:
    """The text of a configuration file."""
    from .generator import literal

    shown = dict(databases) if databases else dict(DEFAULT_DATABASES)
    lines = [
        '"""Configuration of oxyde, read by its commands."""',
        "",
        '# Modules that define table models; "package.*" takes all modules of a package.',
        f"MODELS = {literal(list(models))}",
        "",
        "# Dialect that `oxyde sqlmigrate` shows: postgres, sqlite or mysql.",
        f"DIALECT = {literal(known_dialect(dialect, 'DIALECT'))}",
        "",
        "# Directory of the migration files.",
        f"MIGRATIONS_DIR = {literal(migrations_dir)}",
        "",
        "# Alias and URL of each database.",
        f"DATABASES = {literal(shown)}",
    ]
    return "\n".join(lines) + "\n"


def save_config(
    models: Iterable[str],
    dialect: str = "postgres",
    migrations_dir: str = "migrations",
    databases: Mapping[str, Any] | None = None,
    path: str | Path | None = None,
) -> Path:
    """Writes a configuration file, over an older one too; its path."""
    file = find_config(path)
    file.write_text(generate_config_file(models, dialect, migrations_dir, databases), encoding="utf-8")
    return file
