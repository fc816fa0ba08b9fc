"""Each database in a process of its own, so that none inherits from another."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

ABSENT = 2  # exit status: the server does not answer


def run_each(module: str, choices: Iterable[list[str]], *, asked: bool) -> int:
    """The module again for each choice, with our own words but those about the report. Servers that
    nobody asked for may be absent."""
    words = [word for word in sys.argv[1:] if word != "--report"]
    status = 0
    for choice in choices:
        ended = subprocess.run([sys.executable, "-m", module, *words, *choice], check=False).returncode
        if asked or ended != ABSENT:
            status = status or ended
    return status
