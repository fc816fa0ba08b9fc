"""Whether a server lets us in without a password, asked in its own protocol over a bare socket."""

from __future__ import annotations

import contextlib
import socket
import struct


def postgres(port: int, database: str = "test", user: str = "postgres") -> str | None:
    """None if `user` may log in without a password, else what is in the way."""
    with contextlib.closing(socket.socket()) as line:
        try:
            line.settimeout(5)
            line.connect(("127.0.0.1", port))
            words = b"".join(text.encode() + b"\0" for text in ("user", user, "database", database, ""))
            line.sendall(struct.pack("!ii", 8 + len(words), 196608) + words)
            answer = _exactly(line, 9)
            if answer[:1] != b"R" or struct.unpack("!i", answer[5:9]) != (0,):
                return "it asks for a password"
            head = _exactly(line, 5)
            if head[:1] == b"E":
                body = _exactly(line, struct.unpack("!i", head[1:5])[0] - 4)
                fields = {part[:1]: part[1:].decode() for part in body.split(b"\0") if part}
                return fields.get(b"M", "it refuses")
        except OSError as error:
            return str(error)
    return None


def mysql(port: int, flavor: str, database: str = "test") -> str | None:
    """None if root may log in without a password and the server is of that flavor."""
    with contextlib.closing(socket.socket()) as line:
        try:
            line.settimeout(5)
            line.connect(("127.0.0.1", port))
            greeting = _packet(line)
            version = greeting[1 : greeting.index(b"\0")].decode(errors="replace")
            if ("MariaDB" in version) != (flavor == "mariadb"):
                return f"it is {version}"
            plugin = greeting.rstrip(b"\0").rpartition(b"\0")[2] or b"mysql_native_password"
            flags = 0x00000001 | 0x00000200 | 0x00008000 | 0x00080000 | 0x00000008
            body = struct.pack("<IIB23x", flags, 1 << 24, 45) + b"root\0\0" + database.encode() + b"\0"
            body += plugin + b"\0"
            line.sendall(struct.pack("<I", len(body))[:3] + b"\1" + body)
            answer = _packet(line)
            if answer[:1] == b"\xfe":  # another plugin: an empty password is empty there too
                line.sendall(b"\0\0\0\3")
                answer = _packet(line)
            if answer[:2] == b"\x01\x03":
                answer = _packet(line)
            if answer[:1] != b"\0":
                return answer[9:].decode(errors="replace") or "it refuses"
        except (OSError, ValueError) as error:
            return str(error) or "it does not speak MySQL"
    return None


def _exactly(line: socket.socket, size: int) -> bytes:
    held = b""
    while len(held) < size:
        more = line.recv(size - len(held))
        if not more:
            raise OSError("it closes the connection")
        held += more
    return held


def _packet(line: socket.socket) -> bytes:
    head = _exactly(line, 4)
    return _exactly(line, head[0] | head[1] << 8 | head[2] << 16)
