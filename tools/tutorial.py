#!/usr/bin/env python3
"""Plays the tutorial: each step's files are made, changed and run as its page says.

A step begins with the files of the step before. Of its README.md

- a `python` block below `<!-- not run: PATH -->` is a new file,
- a `diff` block below `<!-- change: PATH -->` changes one,
- a `console` block has commands (`oxyde`, `python`, `rm`) and what they print, but for how long tests took;
  variables may stand before a command, and `POSTGRES` is a new database on the server of the tests.

Afterwards the files must be those of the step's folder, but for stubs: they are made anew and get big.
`tutorial.py --write` plays too, but writes folders and outputs instead of comparing them.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

TUTORIAL = Path(__file__).resolve().parent.parent / "docs" / "tutorial"
BLOCK = re.compile(
    r"^(?:<!-- (?:not run|change): (?P<path>[\w./]+) -->\n)?```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.M | re.S
)
COMMAND = re.compile(r"^\$ (?P<line>.*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.M)
VARIABLE = re.compile(r"\w+=.*")
TOOK = re.compile(r" in \d+\.\d+s$", re.M)
POSTGRES = "postgresql://postgres@127.0.0.1/trailbook"
MADE = re.compile(r"^Created: .*$", re.M)
IGNORED = ("README.md", "*.db", "*.db-*", "*.pyi", "__pycache__", ".pytest_cache")


def steps() -> list[Path]:
    """The folders of the tutorial in their order."""
    return sorted(path.parent for path in TUTORIAL.glob("[0-9][0-9]-*/README.md"))


def files_of(folder: Path) -> dict[str, str]:
    """Every file that belongs to a step, as text; when migrations were made does not count."""
    inside = ((path.relative_to(folder), path) for path in folder.rglob("*") if path.is_file())
    kept = (
        path
        for name, path in inside
        if not any(fnmatch(part, ignored) for part in name.parts for ignored in IGNORED)
    )
    return {str(path.relative_to(folder)): MADE.sub("Created:", path.read_text()) for path in kept}


def changed(text: str, diff: str, where: str) -> str:
    """The text with one change: what is not marked with `+` must stand there exactly once."""
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] or "\n" for line in lines if not line.startswith("+"))
    new = "".join(line[1:] or "\n" for line in lines if not line.startswith("-"))
    if text.count(old) != 1:
        raise ValueError(f"{where}: what is to be changed stands there {text.count(old)} times:\n{old}")
    return text.replace(old, new)


def printed(line: str, folder: Path) -> str:
    """What a command prints."""
    words = shlex.split(line)
    variables = list(itertools.takewhile(VARIABLE.fullmatch, words))
    program, *arguments = words[len(variables) :]
    if program == "rm":
        for name in arguments:
            (folder / name).unlink()
        return ""
    start = {"oxyde": ["-m", "oxyde"], "python": []}[program]
    done = subprocess.run(
        [sys.executable, "-W", "error", *start, *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "1",
            **dict(variable.split("=", 1) for variable in variables),
        },
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise ValueError(f"`{line}` failed:\n{done.stdout}{done.stderr}")
    return TOOK.sub("", done.stdout)


@contextlib.contextmanager
def postgres(page: str) -> Iterator[str]:
    """The URL to take for `POSTGRES`: a database that lives as long as this, if the page needs one."""
    if POSTGRES not in page:
        yield POSTGRES
        return
    sys.path.insert(0, str(TUTORIAL.parent.parent / "tests" / "support"))
    import servers

    with servers.fresh_database("postgres") as found:
        yield found.url


def play(step: Path, before: Path | None, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Does in `folder` what the page of `step` says; yields each command, what it should and what it
    does print."""
    if before is not None:
        shutil.copytree(before, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*IGNORED))
    page = (step / "README.md").read_text()
    with postgres(page) as url:
        for block in BLOCK.finditer(page):
            path = folder / (block["path"] or "")
            if block["kind"] == "console":
                for command in COMMAND.finditer(block["body"]):
                    yield (
                        command["line"],
                        command["output"],
                        printed(command["line"].replace(POSTGRES, url), folder),
                    )
            elif block["kind"] == "diff":
                path.write_text(changed(path.read_text(), block["body"], f"{step.name}: {block['path']}"))
            elif block["path"]:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block["body"])


def write(step: Path, before: Path | None) -> None:
    """Plays a step and keeps what comes of it, in its folder and on its page."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        outputs = iter([actual for _, _, actual in play(step, before, folder)])
        page = step / "README.md"
        page.write_text(
            BLOCK.sub(
                lambda block: (
                    COMMAND.sub(lambda found: f"$ {found['line']}\n{next(outputs)}", block[0])
                    if block["kind"] == "console"
                    else block[0]
                ),
                page.read_text(),
            )
        )
        there, now = files_of(step), files_of(folder)
        for old in there.keys() - now.keys():
            (step / old).unlink()
        # A migration that says the same keeps the time at which it was first made.
        for name in (name for name, text in now.items() if there.get(name) != text):
            (step / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, step / name)


def main() -> None:
    """Writes, or says how to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", required=True, help="tests/docs compares")
    parser.parse_args()
    before = None
    for step in steps():
        write(step, before)
        before = step


if __name__ == "__main__":
    main()
