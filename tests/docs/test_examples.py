"""Every Python block in README.md and docs/ runs.

Blocks of a page run in order, in one namespace, with top-level `await`, in an empty folder. A block
with `asyncio.run(` runs as a program of its own; a following text block is its exact output. A block
under `<!-- not run: reason -->` is only compiled.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from oxyde import db
from oxyde.models import clear_registry

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"^(?P<mark><!-- not run: .+? -->\n+)?```(?P<kind>python|text)\n(?P<body>.*?)^```$", re.M | re.S
)


class Block(NamedTuple):
    """A fenced block of a page."""

    line: int
    kind: str
    body: str
    runs: bool


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    return [
        Block(
            text.count("\n", 0, found.start("body")) + 1, found["kind"], found["body"], found["mark"] is None
        )
        for found in FENCE.finditer(text)
    ]


def run_program(block: Block, expected: str | None, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block.body],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if expected is not None:
        assert done.stdout == expected


async def run_blocks(page: Path, namespace: dict[str, object], folder: Path) -> None:
    found = blocks(page)
    for number, block in enumerate(found):
        if block.kind != "python":
            continue
        follower = found[number + 1] if number + 1 < len(found) else None
        expected = follower.body if follower is not None and follower.kind == "text" else None
        where = f"{page.relative_to(ROOT)}:{block.line}"
        source = "\n" * (block.line - 1) + block.body
        code = compile(source, where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if not block.runs:
            continue
        if "asyncio.run(" in block.body:
            run_program(block, expected, folder)
            continue
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            result = eval(code, namespace)
            if inspect.isawaitable(result):
                await result
        if expected is not None:
            assert output.getvalue() == expected, where


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_run_as_shown(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = type(sys)(f"docs_{page.stem}")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    async def whole_page() -> None:
        try:
            await run_blocks(page, module.__dict__, tmp_path)
        finally:
            await db.close()
            clear_registry()

    asyncio.run(whole_page())


def test_there_are_pages_with_examples() -> None:
    assert sum(len(blocks(page)) for page in PAGES) > 10
