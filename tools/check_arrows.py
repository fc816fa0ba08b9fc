#!/usr/bin/env python3
"""Enforces the arrows between the rooms of core/ and that only the binding includes Python.h.

A room may use the headers of the rooms it can reach along the arrows of docs/internals/rooms.md,
and the private headers in its own folder. Tests and fuzz targets may use everything in core/.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# room -> rooms it may use directly; what those use is reachable too
ARROWS: dict[str, tuple[str, ...]] = {
    "base": (),
    "value": ("base",),
    "query": ("value",),
    "sql": ("query",),
    "driver": ("value",),
    "pool": ("driver",),
    "schema": ("driver", "sql"),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
PYTHON_HEADERS = re.compile(r"^(Python|structmember|datetime|pythread|frameobject)\.h$|^(cpython|internal)/")


def reachable(room: str) -> set[str]:
    """The room itself and every room along the arrows."""
    found = {room}
    for other in ARROWS[room]:
        found |= reachable(other)
    return found


def problems_of(path: pathlib.Path, room: str | None) -> list[str]:
    """What is wrong with the includes of one file; room is None outside the rooms."""
    found = []
    for match in INCLUDE.finditer(path.read_text()):
        style, name = match.groups()
        where = f"{path.relative_to(ROOT)}: {name}"
        if PYTHON_HEADERS.search(name):
            found.append(f"{where}: core/ must not know Python")
        if room is None:
            continue
        if style == "<" and name.startswith("oxyde/"):
            target = name.removeprefix("oxyde/").removesuffix(".h")
            if target not in reachable(room):
                found.append(f"{where}: {room} has no arrow to {target}")
        elif style == '"':
            home = (path.parent / name).resolve()
            beside = (ROOT / "core" / name).resolve()
            if not any(p.exists() and p.is_relative_to(ROOT / "core" / room) for p in (home, beside)):
                found.append(f"{where}: private headers are for their own room")
    return found


def main() -> int:
    """Checks every file; the exit status tells."""
    found: list[str] = []
    core = ROOT / "core"
    for path in sorted(core.rglob("*.[ch]")):
        part = path.relative_to(core).parts
        if part[0] == "include":
            found += problems_of(path, path.stem)
        elif part[0] in ARROWS:
            found += problems_of(path, part[0])
        else:
            found += problems_of(path, None)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
