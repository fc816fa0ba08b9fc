#!/usr/bin/env python3
"""Enforces the countable rules: licence lines, length of files, exported names, words that do not belong."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_LINES = 1000
BANNED_CALLS = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|atoi|atol)\s*\(")
LEFT_OPEN = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!\s*\(#\d+\))")
FOREIGN_PATH = re.compile(r"(?<![A-Za-z0-9_.])/(?:home|root|work|Users)/")


def tracked(*patterns: str) -> list[pathlib.Path]:
    """Files git tracks that match the patterns."""
    listing = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [ROOT / line for line in listing.stdout.splitlines() if (ROOT / line).is_file()]


def c_problems(path: pathlib.Path, text: str) -> list[str]:
    """Rules for C files."""
    found = []
    if not text.startswith("/* SPDX-License-Identifier: MIT */"):
        found.append("first line is not the licence")
    if "tests" not in path.parts:
        found += [f"banned call {match.group(1)}" for match in BANNED_CALLS.finditer(text)]
    return found


def problems(path: pathlib.Path) -> list[str]:
    """All rules for one file."""
    text = path.read_text()
    found = []
    if text.count("\n") > MAX_LINES and path.suffix != ".pyi":  # stubs are generated
        found.append(f"{text.count(chr(10))} lines: split by responsibility")
    if path.suffix in {".c", ".h"}:
        found += c_problems(path, text)
    if path.name != pathlib.Path(__file__).name:
        found += [f"left open: {match.group(0)}" for match in LEFT_OPEN.finditer(text)]
        found += [f"path of one machine: {match.group(0)}" for match in FOREIGN_PATH.finditer(text)]
    return found


def exported_names() -> list[str]:
    """The library's global symbols that do not carry its prefix."""
    library = ROOT / "build" / "core" / "meson" / "library" / "liboxyde.a"
    if not library.exists():
        return []
    listing = subprocess.run(
        ["nm", "-g", "--defined-only", str(library)], check=True, capture_output=True, text=True
    )
    names = [line.split()[2] for line in listing.stdout.splitlines() if len(line.split()) == 3]
    return [f"liboxyde.a exports {name}" for name in names if not name.startswith("oxy_")]


def main() -> int:
    """Checks every tracked source file; the exit status tells."""
    found = [
        f"{path.relative_to(ROOT)}: {problem}"
        for path in tracked("*.c", "*.h", "*.py", "*.pyi")
        for problem in problems(path)
    ]
    found += exported_names()
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
