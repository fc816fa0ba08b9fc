#!/usr/bin/env python3
"""Enforces the arrows between the rooms of the admin panel (docs/internals/admin.md).

A room may import, when the program runs, from itself, from the rooms it can reach along the arrows
and from the modules that all share. Names that only type checkers need may come from anywhere, and
imports of frameworks may only stand in adapters. Of oxyde nothing private is imported.
"""

import ast
import pathlib
import sys
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parent.parent / "admin" / "oxyde_admin"

# room -> rooms it may use directly; what those use is reachable too. Modules beside the rooms are
# rooms of one file.
ARROWS: dict[str, tuple[str, ...]] = {
    "options": (),
    "security": ("options", "models"),
    "values": ("options",),
    "audit": ("rows", "values", "security", "models"),
    "rows": ("values", "options", "security"),
    "writes": ("rows", "values", "audit"),
    "transfer": ("rows", "writes", "values"),
    "http": ("security", "auth"),
    "api": ("http", "transfer", "schema"),
    "adapters": ("http", "site"),
    "auth": ("security",),
    "config": ("options",),
    "schema": ("values",),
    "settings": ("config",),
    "check": ("models",),
    "site": ("http", "api", "settings", "check", "security", "options"),
    "models": (),
}
SHARED = {"exceptions", "finishing", "problems", "_version"}
FRAMEWORKS = {"fastapi", "starlette", "litestar", "sanic", "quart", "werkzeug", "falcon", "flask"}


def reachable(room: str) -> set[str]:
    """The room itself and every room along the arrows."""
    found = {room}
    for other in ARROWS.get(room, ()):
        found |= reachable(other)
    return found


def imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports that happen when the program runs."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            yield from imports(node)


def targets(node: ast.Import | ast.ImportFrom, package: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What an import names, as parts of a dotted name."""
    if isinstance(node, ast.Import):
        yield from (tuple(alias.name.split(".")) for alias in node.names)
        return
    base = package[: len(package) - node.level + 1] if node.level else ()
    module = (*base, *(node.module.split(".") if node.module else ()))
    if module == ("oxyde_admin",) or module[:1] == ("oxyde",):
        yield from ((*module, alias.name) for alias in node.names)
    else:
        yield module


def problems_of(path: pathlib.Path) -> list[str]:
    """What is wrong with the imports of one file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    room = parts[0]
    package = ("oxyde_admin", *parts[:-1])
    found = []
    for node in imports(ast.parse(path.read_text())):
        for target in targets(node, package):
            where = f"{path.relative_to(ROOT.parent)}:{node.lineno}: {'.'.join(target)}"
            if target[0] in FRAMEWORKS and room != "adapters":
                found.append(f"{where}: frameworks are for adapters")
            private = [part for part in target if part.startswith("_") and not part.endswith("__")]
            if target[0] == "oxyde" and private:
                found.append(f"{where}: private to oxyde")
            if target[0] != "oxyde_admin" or len(target) < 2:
                continue
            if target[1] not in reachable(room) | SHARED:
                found.append(f"{where}: {room} has no arrow to {target[1]}")
            if room == "adapters" and target[1] == "http" and target[2:] != ("message",):
                found.append(f"{where}: adapters know of http only its messages")
    return found


def main() -> int:
    """Checks every file; the exit status tells."""
    found = [
        problem
        for path in sorted(ROOT.rglob("*.py"))
        if path.parent != ROOT or path.stem != "__init__"
        for problem in problems_of(path)
    ]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
