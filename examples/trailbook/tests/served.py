"""The application in a process of its own, over real HTTP."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx

HOME = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def served(
    url: str, command: Sequence[str], path: str, *, timeout: float = 40, **environment: str
) -> Iterator[tuple[str, Path]]:
    """Starts `python COMMAND`, waits until `path` is answered; gives base URL and file of output."""
    port = free_port()
    variables = {
        **os.environ,
        "TRAILBOOK_DATABASE_URL": url,
        "TRAILBOOK_PORT": str(port),
        "TRAILBOOK_DEBUG": "true",
        "PYTHONPATH": os.pathsep.join([str(HOME), os.environ.get("PYTHONPATH", "")]),
        **environment,
    }
    base = f"http://127.0.0.1:{port}"
    output = Path(tempfile.gettempdir()) / f"trailbook-{os.getpid()}-{port}.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *(word.format(port=port) for word in command)],
            cwd=HOME,
            env=variables,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, base + path, output, timeout)
        yield base, output
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        output.unlink()


def _wait(process: subprocess.Popen[bytes], url: str, output: Path, timeout: float) -> None:
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended:\n{output.read_text()}")
        with contextlib.suppress(httpx.TransportError):
            httpx.get(url, timeout=5)
            return
        time.sleep(0.1)
    raise RuntimeError(f"no answer from {url}:\n{output.read_text()}")
