#!/usr/bin/env python3
"""Shows that the tests of each rule fail without it: breaks the rule in a copy and runs its tests.

Usage: mutants.py [PAGE ...] [--rule WORDS] [--check]

A page is a table of rules and tests in docs/internals, `models-rules` for instance; its mutants stand
in the files of tests/mutants/models-rules, one or more for each row:

    [[mutant]]
    rule = "the first cell of the row, word for word"
    file = "python/oxyde/models/field.py"
    find = "text that the file has exactly once"
    replace = "what makes the rule no longer hold"

The tests that run are those that the row names; `tests = ["…"]` in a mutant names fewer of them, where
the others take long. At least one has to fail. A mutant that the tests do not see, and one that does
not even let them start, is a failure of this command. `--check` only compares rows, mutants and texts.
The copy, with builds of its own for mutants in C, lies in build/mutants.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "internals"
MUTANTS = ROOT / "tests" / "mutants"
COPY = ROOT / "build" / "mutants"
TEST = re.compile(r"`([^`\s]+\.py)::(\w+)`")
SECONDS = 300  # longer than that, and the mutant has made something endless: seen


@dataclass(frozen=True)
class Mutant:
    """One way to break a rule."""

    rule: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...] = ()


def rules(page: str) -> dict[str, tuple[str, ...]]:
    """Each rule of the page with the tests that it names."""
    found = {}
    for line in (PAGES / f"{page}.md").read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if not line.startswith("|") or len(cells) < 2:
            continue
        named = TEST.findall(cells[-1])
        if named:
            found[" | ".join(cells[:-1])] = tuple(
                f"{file if '/' in file else 'tests/python/' + file}::{name}" for file, name in named
            )
    return found


def mutants(page: str) -> list[Mutant]:
    """The mutants of the page."""
    files = sorted((MUTANTS / page).glob("*.toml"))
    entries = [entry for file in files for entry in tomllib.loads(file.read_text())["mutant"]]
    return [Mutant(**{**entry, "tests": tuple(entry.get("tests", ()))}) for entry in entries]


def mistakes(page: str) -> Iterator[str]:
    """Rows without a mutant, mutants without a row, texts that are not there just once."""
    known, listed = rules(page), mutants(page)
    broken = {mutant.rule for mutant in listed}
    yield from (f"{page}: no mutant for {rule!r}" for rule in known if rule not in broken)
    for mutant in listed:
        if mutant.rule not in known:
            yield f"{page}: no row says {mutant.rule!r}"
            continue
        yield from (
            f"{page}, {mutant.rule!r}: the row does not name {test}"
            for test in mutant.tests
            if test not in known[mutant.rule]
        )
        path = ROOT / mutant.file
        times = path.read_text().count(mutant.find) if path.is_file() else 0
        if times != 1:
            yield f"{page}, {mutant.rule!r}: {mutant.file} has the text {times} times"
        elif mutant.find == mutant.replace:
            yield f"{page}, {mutant.rule!r}: nothing changes"


def tool(name: str) -> str:
    """A command of the interpreter's own environment."""
    return str(Path(sys.executable).parent / name)


def copy_tree() -> None:
    """The checkout as it is now, without what git ignores; builds in the copy are kept."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    )
    names = [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    for name in names:
        target = COPY / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != (ROOT / name).read_bytes():
            shutil.copy(ROOT / name, target)
    for place in ("python", "core", "tests"):  # what the checkout no longer has
        for path in (COPY / place).rglob("*"):
            if (
                path.is_file()
                and "__pycache__" not in path.parts
                and not (ROOT / path.relative_to(COPY)).exists()
            ):
                path.unlink()


def build() -> bool:
    """Compiles the copy; False if the compiler refuses it."""
    folder = COPY / "build" / "py"
    steps = []
    if not (folder / "build.ninja").exists():
        steps.append([tool("meson"), "setup", str(folder), "--buildtype", "debug", "-Doptimization=1"])
    steps.append([tool("meson"), "compile", "-C", str(folder)])
    for step in steps:
        done = subprocess.run(
            step, cwd=COPY, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode:
            print(done.stdout[-3000:])
            return False
    package = COPY / "build" / "package" / "oxyde"
    package.parent.mkdir(parents=True, exist_ok=True)
    if not package.is_symlink():
        package.symlink_to(COPY / "python" / "oxyde")
    for module in (folder / "python" / "_core").glob("_*.so"):
        shutil.copy(module, COPY / "python" / "oxyde" / module.name)
    return True


def run_tests(tests: tuple[str, ...]) -> tuple[int, str]:
    """pytest's exit status on the copy, and what it said."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, (COPY / "build" / "package", COPY, COPY / "admin"))),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command,
            cwd=COPY,
            check=False,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return 1, f"longer than {SECONDS} s"
    return done.returncode, done.stdout


def verdict(mutant: Mutant, tests: tuple[str, ...]) -> str:
    """`seen`, or what else happened."""
    path = COPY / mutant.file
    whole = path.read_text()
    in_c = path.suffix in {".c", ".h"}
    path.write_text(whole.replace(mutant.find, mutant.replace))
    try:
        if in_c and not build():
            return "does not compile"
        status, said = run_tests(tests)
    finally:
        path.write_text(whole)
        if in_c:
            build()
    if status == 1:
        return "seen"
    return "NOT SEEN" if status == 0 else f"does not start:\n{said[-2000:]}"


def main() -> int:
    """Exit status 1 if anything is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", default=sorted(path.name for path in MUTANTS.iterdir()))
    parser.add_argument("--rule", default="", help="only rules with these words")
    parser.add_argument("--check", action="store_true", help="run no test")
    options = parser.parse_args()
    wrong = [mistake for page in options.pages for mistake in mistakes(page)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    if options.check:
        return bool(wrong)
    copy_tree()
    if not build():
        return 1
    seen = 0
    for page in options.pages:
        known = rules(page)
        for mutant in mutants(page):
            if options.rule not in mutant.rule or mutant.rule not in known:
                continue
            said = verdict(mutant, mutant.tests or known[mutant.rule])
            seen += said == "seen"
            if said != "seen":
                wrong.append(mutant.rule)
            print(f"{page}: {mutant.rule}: {said}", flush=True)
    print(f"{seen} mutants seen, {len(wrong)} to look at")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
