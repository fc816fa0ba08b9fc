"""Hosts as processes, and requests to them byte for byte."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# What servers add of their own.
OF_THE_SERVER = {"date", "server", "connection", "keep-alive", "transfer-encoding", "alt-svc"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)

    def comparable(self) -> tuple[int, list[tuple[str, str]], Any]:
        """Without what differs from request to request and from server to server."""
        headers = sorted(
            (name, "…" if name == "x-request-id" else re.sub("'nonce-[^']+'", "'nonce-…'", value))
            for name, value in self.headers
            if name not in OF_THE_SERVER
        )
        content: Any = self.content
        with contextlib.suppress(ValueError):
            content = json.loads(self.content)
            if isinstance(content, dict) and "request_id" in content:
                content["request_id"] = "…"
        return self.status, headers, content


@dataclass
class Host:
    """A served host application."""

    framework: str
    port: int

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterator[bytes] | None = None,
        data: Any = None,
    ) -> Answer:
        """One request on a connection of its own; the path goes out as it is."""
        sent = dict(headers or {})
        if data is not None:
            body = json.dumps(data).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        # The client's own check forbids what is sent here on purpose.
        connection._validate_path = lambda url: None  # type: ignore[method-assign]
        try:
            connection.request(
                method, path, body=body, headers=sent, encode_chunked=not isinstance(body, bytes)
            )
            response = connection.getresponse()
            pairs = tuple((name.lower(), value) for name, value in response.getheaders())
            return Answer(response.status, pairs, response.read())
        finally:
            connection.close()

    def get(self, path: str, **more: Any) -> Answer:
        return self.send("GET", path, **more)

    def socket(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def served(framework: str, url: str, server: str = "uvicorn") -> Iterator[Host]:
    """Starts a host of hosts.py; ends it afterwards."""
    host = Host(framework, free_port())
    process = subprocess.Popen(
        [sys.executable, str(HERE / "hosts.py"), framework, str(host.port), url, server],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield host
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def wait_for(host: Host, seconds: float = 40) -> None:
    """Until the host answers."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if host.get("/administrator").status == 200:
                return
        if time.monotonic() > end:
            raise TimeoutError(f"{host.framework} does not answer")
        time.sleep(0.1)
