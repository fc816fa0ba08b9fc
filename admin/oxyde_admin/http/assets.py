"""The built files of the front end."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from .errors import unknown_path
from .message import Request, Response

__all__ = ["STATIC", "asset"]

STATIC = Path(__file__).resolve().parent.parent / "static"

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_HASHED = re.compile(r"[.-][A-Za-z0-9_-]{8,}\.[a-z0-9]+$")
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))  # the smaller first
# By the table and not by the system's, which differs from machine to machine.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


def asset(request: Request, segments: tuple[str, ...], folder: Path | None = None) -> Response:
    """The file below /assets/, compressed if the client takes it so."""
    folder = STATIC / "assets" if folder is None else folder
    if not segments or not all(map(_NAME.fullmatch, segments)):
        raise unknown_path()
    name = "/".join(segments)
    kind = _TYPES.get(Path(segments[-1]).suffix)
    body = _content(folder, name) if kind is not None else None
    if kind is None or body is None:
        raise unknown_path()
    hashed = _HASHED.search(segments[-1]) is not None
    headers = [
        ("content-type", kind),
        ("cache-control", "public, max-age=31536000, immutable" if hashed else "no-cache"),
        ("vary", "Accept-Encoding"),
    ]
    accepted = _accepted(request)
    for encoding, suffix in _ENCODINGS:
        compressed = _content(folder, name + suffix) if encoding in accepted else None
        if compressed is not None:
            return Response(200, [*headers, ("content-encoding", encoding)], compressed)
    return Response(200, headers, body)


def _accepted(request: Request) -> set[str]:
    """The content codings that the client names with a weight above zero."""
    found = set()
    for key, line in request.headers:
        if key != "accept-encoding":
            continue
        for entry in line.lower().split(","):
            coding, *parameters = (part.strip() for part in entry.split(";"))
            if not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters):
                found.add(coding)
    return found


@lru_cache(maxsize=512)
def _content(folder: Path, name: str) -> bytes | None:
    """A file's bytes. They are part of the distribution and do not change while it runs."""
    path = folder / name
    return path.read_bytes() if path.is_file() else None
