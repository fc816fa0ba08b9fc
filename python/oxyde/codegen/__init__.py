"""Typed stubs: `.pyi` files that tell type checkers and editors what a model's fields make possible.

A stub stands beside the module that defines the models. It lists each lookup that `filter` allows
with its type, each value that `create` and `update` take, and columns on the class.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ..models.registry import finalize_pending, iter_tables
from ._load import module_of
from ._models import is_table, model_lines
from ._modules import module_stub, names_of_module
from ._source import file_of
from ._write import write_stubs

__all__ = ["generate_model_stub", "generate_stub_for_file", "generate_stubs_for_models", "write_stubs"]


def generate_model_stub(model: type[Any]) -> str:
    """The text for one table model: its class, its query and its managers, without imports."""
    if not is_table(model):
        raise TypeError(f"{model.__name__} is no table; give it a class Meta with is_table = True")
    finalize_pending()
    names = names_of_module(sys.modules.get(model.__module__), file_of(model))
    return "\n".join(model_lines(model, names)) + "\n"


def generate_stubs_for_models(
    models: Iterable[type[Any]] | None = None, *, within: Path | str | None = None
) -> dict[Path, str]:
    """The stubs of the modules that define these models, or all registered ones, by path.

    Models that are no tables are skipped, and with `within` those of modules outside that folder.
    A stub always covers its whole module.
    """
    finalize_pending()
    chosen = iter_tables() if models is None else tuple(models)
    folder = None if within is None else Path(within).resolve()
    files: dict[Path, list[Any]] = {}
    for model in chosen:
        path = file_of(model) if is_table(model) else None
        if path is None or (folder is not None and not path.is_relative_to(folder)):
            continue
        if "<locals>" in model.__qualname__ and models is None:
            continue  # no checker can see it from outside its function
        files.setdefault(path, []).append(model)
    return {path.with_suffix(".pyi"): _stub(path, found) for path, found in sorted(files.items())}


def _stub(path: Path, asked: list[Any]) -> str:
    module = sys.modules[asked[0].__module__]
    local = [model for model in asked if "<locals>" in model.__qualname__]
    return module_stub(module, path, dict.fromkeys([*_tables_of(module), *local]))


def _tables_of(module: ModuleType) -> list[Any]:
    """The tables that a module defines, those inside classes included."""
    found: list[Any] = []
    waiting = list(vars(module).values())
    while waiting:
        value = waiting.pop(0)
        if not isinstance(value, type) or value.__module__ != module.__name__ or value in found:
            continue
        if is_table(value):
            found.append(value)
        waiting += [inner for inner in vars(value).values() if _is_inside(inner, value)]
    return found


def _is_inside(inner: Any, outer: type[Any]) -> bool:
    return isinstance(inner, type) and inner.__qualname__ == f"{outer.__qualname__}.{inner.__name__}"


def generate_stub_for_file(path: Path | str) -> Path | None:
    """Imports one file and writes its stub beside it; its path, or None for a file without tables."""
    source = Path(path).resolve()
    if not source.is_file():
        raise FileNotFoundError(f"there is no file {source}")
    module = module_of(source)
    tables = _tables_of(module)
    stubs: Mapping[Path, str] = generate_stubs_for_models(tables)
    write_stubs(stubs)
    return next(iter(stubs), None)
