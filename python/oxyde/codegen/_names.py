"""Names in a stub: what is bound already, what has to be imported, and under which name."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

__all__ = ["Names", "bound_names", "import_origins"]

_MISSING = object()


class Names:
    """Gives the text by which a stub refers to something, and collects the imports this needs.

    `module`: the runtime module the stub stands for. `bound`: names that the stub defines by itself,
    with (module, name) for those it imports. `shadowed`: attributes of the class being written,
    which hide outer names inside its body. `nested`: lines of table classes that stand inside others.
    """

    def __init__(self, module: ModuleType | None, bound: dict[str, tuple[str, str] | None]) -> None:
        self.module = module
        self.bound = dict(bound)
        self.shadowed: frozenset[str] = frozenset()
        self.nested: dict[type[Any], list[str]] = {}
        self._imports: dict[tuple[str, str], str] = {}

    def use(self, module: str, name: str) -> str:
        """The name under which `from module import name` is available."""
        return self._named(module, name, getattr(sys.modules.get(module), name, _MISSING))

    def of(self, obj: Any) -> str | None:
        """The text for a class or another named object; None where nothing importable leads to it."""
        module, qualname = getattr(obj, "__module__", None), getattr(obj, "__qualname__", None)
        qualname = qualname or getattr(obj, "__name__", None)
        if not isinstance(module, str) or not isinstance(qualname, str):
            return None
        if module == "builtins":
            return self._builtin(qualname) if hasattr(builtins, qualname) else None
        if "<locals>" in qualname:
            return qualname.rpartition(".")[2]
        first, _, rest = qualname.partition(".")
        if self.module is not None and module == self.module.__name__:
            return qualname
        outer = getattr(sys.modules.get(module), first, _MISSING)
        if outer is _MISSING:
            return None
        found = self._named(_public(module, first, outer), first, outer)
        return f"{found}.{rest}" if rest else found

    def _builtin(self, name: str) -> str:
        if name not in self.shadowed and name not in self.bound:
            return name
        return f"{self.use_module('builtins')}.{name}"

    def use_module(self, module: str) -> str:
        """The name under which a top-level module is available."""
        return self._imported((module, ""), module)

    def _named(self, module: str, name: str, value: Any) -> str:
        if name not in self.shadowed and self._is_bound_to(name, module, value):
            return name
        for other, origin in sorted(self.bound.items()):
            if origin == (module, name) and other not in self.shadowed:
                return other
        return self._imported((module, name), name)

    def _is_bound_to(self, name: str, module: str, value: Any) -> bool:
        if name not in self.bound:
            return False
        if self.bound[name] == (module, name):
            return True
        here = getattr(self.module, name, _MISSING)
        return here is not _MISSING and here is value

    def _imported(self, what: tuple[str, str], name: str) -> str:
        known = self._imports.get(what)
        if known is not None and known not in self.shadowed:
            return known
        local = name
        taken = {*self.bound, *(n for w, n in self._imports.items() if w != what)}
        while local in taken or local in self.shadowed:
            local = f"_{local}"
        if known is not None:  # under another name elsewhere in the same stub
            self._imports[(what[0], f"{what[1]} as {local}")] = local
            return local
        self._imports[what] = local
        return local

    def lines(self) -> list[str]:
        """The import statements, sorted."""
        plain: list[str] = []
        by_module: dict[str, set[str]] = {}
        for (module, name), local in self._imports.items():
            if not name:
                plain.append(f"import {module}" if local == module else f"import {module} as {local}")
            elif " as " in name:
                by_module.setdefault(module, set()).add(name)
            else:
                by_module.setdefault(module, set()).add(name if local == name else f"{name} as {local}")
        return sorted(plain) + [
            f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(by_module.items())
        ]


def _public(module: str, name: str, value: Any) -> str:
    """The shortest package that offers the same object, so that `a._b.Thing` comes from `a`."""
    parts = module.split(".")
    for end in range(1, len(parts)):
        if any(part.startswith("_") for part in parts[:end]):
            break
        package = ".".join(parts[:end])
        loaded = sys.modules.get(package)
        if loaded is not None and getattr(loaded, name, _MISSING) is value:
            return package
    return module


def import_origins(
    node: ast.Import | ast.ImportFrom, package: str
) -> Iterable[tuple[str, tuple[str, str] | None]]:
    """Names that an import statement binds, and where each comes from."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            yield alias.asname or alias.name.split(".")[0], (alias.name, "") if alias.asname else None
        elif alias.name != "*":
            source = node.module or ""
            if node.level:
                base = package.split(".")[: len(package.split(".")) - node.level + 1]
                source = ".".join([*base, source] if source else base)
            yield alias.asname or alias.name, (source, alias.name)


def bound_names(body: Iterable[ast.stmt], package: str) -> dict[str, tuple[str, str] | None]:
    """Every name that statements of a module bind, those inside its blocks included."""
    found: dict[str, tuple[str, str] | None] = {}
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update(import_origins(node, package))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found[node.name] = None
        elif isinstance(node, (ast.If, ast.Try, ast.For, ast.While, ast.With)):
            for block in _blocks(node):
                found.update(bound_names(block, package))
        else:
            for name in ast.walk(node):
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    found[name.id] = None
    return found


def _blocks(node: ast.stmt) -> Iterable[list[ast.stmt]]:
    for attribute in ("body", "orelse", "finalbody"):
        yield getattr(node, attribute, [])
    for handler in getattr(node, "handlers", []):
        yield handler.body
