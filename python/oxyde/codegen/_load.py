"""From a file to its module."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

__all__ = ["module_of"]


def module_of(path: Path) -> ModuleType:
    """The module that a file defines, imported if it is not loaded yet.

    Its name is the path below the outermost folder that is no package, so that relative imports
    work; what fails while it is imported propagates.
    """
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        if isinstance(name, str) and module.__name__ != "__main__" and Path(name).resolve() == path:
            return module
    root, parts = _place(path)
    name = ".".join(parts)
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        if name not in sys.modules:
            module = importlib.import_module(name)
            if Path(module.__file__ or "").resolve() == path:
                return module
        return _from_file(path, f"_oxyde_stub_{path.stem}")
    finally:
        sys.path.remove(str(root))


def _place(path: Path) -> tuple[Path, list[str]]:
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder, parts or [path.parent.name]


def _from_file(path: Path, name: str) -> ModuleType:
    """Another module of this name is loaded: the file is imported under one of its own."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
