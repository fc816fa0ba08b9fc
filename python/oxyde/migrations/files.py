"""Migration files: which there are, in which order, and what stands in one."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import CircularDependencyError, DependencyError, MigrationError, UnknownMigrationError

__all__ = [
    "MigrationFile",
    "find",
    "get_migration_files",
    "get_pending_migrations",
    "heads",
    "load_files",
    "without_replaced",
]

CURRENT_FORMAT = 2


@dataclass(frozen=True)
class MigrationFile:
    """One file, executed. `depends_on` holds names of files that are there, squashed ones resolved."""

    path: Path
    depends_on: tuple[str, ...]
    replaces: tuple[str, ...]
    atomic: bool
    format: int
    upgrade: Callable[[Any], Any]
    downgrade: Callable[[Any], Any] | None

    @property
    def name(self) -> str:
        """The file's name without `.py`."""
        return self.path.stem

    def checksum(self) -> str:
        """Of the syntax tree: comments and layout do not count, nor does Python's version."""
        tree = ast.parse(self.path.read_bytes(), filename=str(self.path))
        return hashlib.sha256("".join(_tree_text(tree)).encode()).hexdigest()


def _tree_text(node: Any) -> Iterable[str]:
    # ast.dump() writes other texts in other versions: only what is set counts here.
    if isinstance(node, ast.AST):
        yield f"({type(node).__name__}"
        for name in sorted(node._fields):
            value = getattr(node, name, None)
            if value is not None and value != [] and name not in ("ctx", "kind", "type_comment"):
                yield f" {name}="
                yield from _tree_text(value)
        yield ")"
    elif isinstance(node, list):
        for item in node:
            yield from _tree_text(item)
    else:
        yield f"{type(node).__name__}:{node!r}"


# --- reading ------------------------------------------------------------------------------


def load_files(migrations_dir: str | Path = "migrations") -> list[MigrationFile]:
    """Every migration of the directory in the order in which they apply; [] without the directory.

    A file without `upgrade` is left out. Each file's top level runs once.
    """
    folder = Path(migrations_dir)
    paths = sorted(path for path in folder.glob("[0-9]*.py") if path.is_file()) if folder.is_dir() else []
    modules = [(path, _execute(path)) for path in paths]
    modules = [(path, module) for path, module in modules if callable(getattr(module, "upgrade", None))]
    return _ordered(_read(modules))


def _execute(path: Path) -> ModuleType:
    name = f"_oxyde_migration_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise MigrationError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    # No bytecode beside the files, and no trace among the modules.
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise MigrationError(f"{path} failed while it was read: {type(error).__name__}: {error}") from error
    finally:
        sys.dont_write_bytecode = before
    return module


def _names(value: Any, path: Path, what: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Iterable):
        names = tuple(value)
        if all(isinstance(name, str) for name in names):
            return names
    raise MigrationError(f"{path}: {what} is a name, a list of names or None, not {value!r}")


def _read(modules: list[tuple[Path, ModuleType]]) -> list[MigrationFile]:
    replaced = {
        old: path.stem
        for path, module in modules
        for old in _names(getattr(module, "replaces", None), path, "replaces")
    }
    there = {path.stem for path, _ in modules}
    files = []
    previous: str | None = None
    for path, module in modules:
        wanted = _names(getattr(module, "depends_on", None), path, "depends_on")
        squashed = _names(getattr(module, "replaces", None), path, "replaces")
        if not wanted and previous is not None and not squashed:
            wanted = (previous,)
        files.append(
            MigrationFile(
                path=path,
                depends_on=tuple(dict.fromkeys(_resolved(name, path, there, replaced) for name in wanted)),
                replaces=squashed,
                atomic=bool(getattr(module, "atomic", True)),
                format=int(getattr(module, "format", 1)),
                upgrade=module.upgrade,
                downgrade=getattr(module, "downgrade", None),
            )
        )
        previous = path.stem
    return files


def _resolved(name: str, path: Path, there: set[str], replaced: dict[str, str]) -> str:
    squashed = replaced.get(name, path.stem)
    # Those that were squashed together go on depending on each other.
    if squashed not in (path.stem, replaced.get(path.stem)):
        return squashed
    if name in there:
        return name
    raise DependencyError(f"{path.stem} depends on {name}, and there is no such file beside it")


def _ordered(files: list[MigrationFile]) -> list[MigrationFile]:
    """Each after what it depends on, by name among those that are ready."""
    waiting = {file.name: file for file in files}
    done: dict[str, MigrationFile] = {}
    while waiting:
        ready = sorted(name for name, file in waiting.items() if all(d in done for d in file.depends_on))
        if not ready:
            raise CircularDependencyError(f"Circular dependency among {', '.join(sorted(waiting))}")
        done[ready[0]] = waiting.pop(ready[0])
    return list(done.values())


# --- asking ----------------------------------------------------------------------------------


def get_migration_files(migrations_dir: str | Path = "migrations") -> list[Path]:
    """Paths of the migration files in the order in which they apply; [] without the directory."""
    return [file.path for file in load_files(migrations_dir)]


def get_pending_migrations(
    migrations_dir: str | Path = "migrations", applied: Iterable[str] | None = None
) -> list[Path]:
    """Paths of the files whose names are not among those applied."""
    done = set(applied or ())
    return [file.path for file in load_files(migrations_dir) if file.name not in done]


def without_replaced(files: Iterable[MigrationFile]) -> list[MigrationFile]:
    """The files without those that were kept beside the one that replaces them."""
    known = list(files)
    replaced = {name for file in known for name in file.replaces if name != file.name}
    return [file for file in known if file.name not in replaced]


def heads(files: Iterable[MigrationFile]) -> list[str]:
    """The names that no other file depends on; replaced files do not count."""
    known = without_replaced(files)
    needed = {name for file in known for name in file.depends_on}
    return [file.name for file in known if file.name not in needed]


def find(target: str, files: Iterable[MigrationFile]) -> MigrationFile:
    """The file that a name, its number or a leading part of it (ending before `_`) means."""
    known = list(files)
    exact = [file for file in known if file.name == target]
    fits = exact or [file for file in known if _means(target, file.name)]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise UnknownMigrationError(
            f"{target!r} may be {', '.join(file.name for file in fits)}: name one of them"
        )
    raise UnknownMigrationError(f"there is no migration {target!r}")


def _means(target: str, name: str) -> bool:
    number = name.partition("_")[0]
    if target.isdigit() and number.isdigit():
        return int(target) == int(number)
    return name.startswith(f"{target}_")
