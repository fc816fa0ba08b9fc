"""A project in a folder of its own, and the command `oxyde` run in it as a person would."""

from __future__ import annotations

import atexit
import functools
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

CRATE = """
class Crate(Model):
    id: int | None = Field(default=None, db_pk=True)
    label: str
    kg: int

    class Meta:
        is_table = True
"""


class Done(NamedTuple):
    """What a command left: its exit status and both outputs."""

    code: int
    out: str
    err: str


class Project:
    """A folder with `shop.py` and, after `configure`, a configuration file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def models(self, body: str, *, imports: str = "") -> None:
        """Writes the module of models."""
        head = "import enum\nfrom oxyde import Check, Field, Index, Model\n"
        (self.folder / "shop.py").write_text(head + imports + textwrap.dedent(body))

    def configure(self, url: str = "sqlite:///shop.db", dialect: str = "sqlite") -> None:
        self.run("init", "--models", "shop", "--dialect", dialect, "--url", url, "--no-input").ok()

    def files(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "migrations").glob("*.py"))

    def text(self, name: str) -> str:
        return next((self.folder / "migrations").glob(f"{name}*.py")).read_text()

    def write(self, name: str, body: str) -> None:
        """A migration file written by hand."""
        (self.folder / "migrations").mkdir(exist_ok=True)
        (self.folder / "migrations" / f"{name}.py").write_text(textwrap.dedent(body))

    def run(self, *arguments: str, folder: Path | None = None, **environment: str) -> Outcome:
        """Runs `oxyde` with these arguments in a process of its own, without a terminal."""
        request = {
            "arguments": arguments,
            "folder": str(folder or self.folder),
            "environment": {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100", **environment},
        }
        return Outcome(*_server().run(request))


class _Server:
    """A process that has imported the package and forks for each command.

    Starting Python and importing costs more than most commands; what a fork does is the same.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("cli_server.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self._close)

    def run(self, request: object) -> tuple[int, str, str]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        code, out, err = json.loads(self._process.stdout.readline())
        return code, out, err

    def _close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@functools.cache
def _server() -> _Server:
    return _Server()


class Outcome(Done):
    """With words for what a test expects."""

    def ok(self) -> Outcome:
        return self.exits(0)

    def exits(self, code: int) -> Outcome:
        """The exit status; whatever it is, a failure that was expected shows no traceback."""
        assert self.code == code, f"exit {self.code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err, self.err
        return self
