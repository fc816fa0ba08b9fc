"""The source of modules and classes."""

from __future__ import annotations

import ast
import inspect
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["class_source", "file_of", "parsed"]


@lru_cache(maxsize=64)
def _parsed(path: str, stamp: tuple[int, int]) -> tuple[ast.Module, str]:
    source = Path(path).read_text(encoding="utf-8")
    return ast.parse(source, path), source


def parsed(path: Path) -> tuple[ast.Module, str]:
    """The tree and the text of a file."""
    state = path.stat()
    return _parsed(str(path), (state.st_mtime_ns, state.st_size))


def file_of(cls: type[Any]) -> Path | None:
    """The file whose module defines a class."""
    module = sys.modules.get(cls.__module__)
    name = getattr(module, "__file__", None)
    if name is None or not name.endswith(".py"):
        return None
    path = Path(name).resolve()
    return path if path.is_file() else None


def class_source(cls: type[Any]) -> tuple[ast.ClassDef, str] | None:
    """The class statement, and the text it is part of; None for classes that no file defines."""
    path = file_of(cls)
    if path is None:
        return None
    tree, source = parsed(path)
    found: list[ast.ClassDef] = []
    _search(tree, [], cls.__qualname__, found)
    if len(found) > 1:
        found = [node for node in found if node.lineno == _line_of(cls)] or found[-1:]
    return (found[0], source) if found else None


def _line_of(cls: type[Any]) -> int:
    try:
        return inspect.getsourcelines(cls)[1]
    except (OSError, TypeError):
        return 0


def _search(node: ast.AST, path: list[str], qualname: str, found: list[ast.ClassDef]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            if ".".join([*path, child.name]) == qualname:
                found.append(child)
            _search(child, [*path, child.name], qualname, found)
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            _search(child, [*path, child.name, "<locals>"], qualname, found)
        else:
            _search(child, path, qualname, found)
