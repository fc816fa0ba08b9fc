"""A process that does the jobs of a contender and measures its own slices: it answers a line with a line."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Apart:
    """The process, from its start to its end."""

    patience = 60.0  # seconds between being told to close and being killed

    def __init__(
        self,
        title: str,
        command: Sequence[str],
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.title = title
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def exchange(self, line: str) -> str:
        """Waits for the answer, with nothing else running here."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError(f"{self.title} has no pipe")
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.title} ended with status {self.process.wait()}")
        return answer.rstrip("\n")

    def end(self) -> None:
        """After it was told to close: waits until it is gone, and does not wait for ever."""
        try:
            self.process.communicate(timeout=self.patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise RuntimeError(f"{self.title} did not end within {self.patience:g} s") from None
