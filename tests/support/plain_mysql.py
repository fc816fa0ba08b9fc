"""A MySQL server that offers no TLS, as far as its greeting: says it at once and notes what it is told."""

from __future__ import annotations

import socket
import struct
import threading
from typing import Any

from typing_extensions import Self

CLIENT_SSL = 0x0800
# Protocol 41, the database's name, secure authentication, plugins.
CAPABILITIES = 0x000FF7DF & ~CLIENT_SSL


def greeting() -> bytes:
    body = b"\x0a8.0.36\0" + struct.pack("<I", 7) + b"12345678\0"
    body += struct.pack("<HBHH", CAPABILITIES & 0xFFFF, 45, 2, CAPABILITIES >> 16)
    body += bytes([21]) + bytes(10) + b"123456789012\0" + b"mysql_native_password\0"
    return struct.pack("<I", len(body))[:3] + b"\0" + body


class PlainMySQL:
    """Listens while it is entered; `told` is what clients have sent."""

    def __enter__(self) -> Self:
        self.told = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        hello = greeting()
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line:
                line.sendall(hello)
                line.settimeout(5)
                try:
                    self.told += line.recv(4096)
                except OSError:
                    continue
