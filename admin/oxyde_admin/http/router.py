"""Which route a raw path means (contract, 6.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote_to_bytes

from .call import Route
from .errors import method_error, unknown_path

__all__ = ["Path", "Router", "read_path"]

_RESERVED = {
    "{m}": frozenset({"api", "assets", "config", "login", "models", "-"}),
    "{pk}": frozenset(
        {"schema", "options", "export", "bulk-delete", "bulk-update", "create", "-"},
    ),
}


@dataclass(frozen=True, slots=True)
class Path:
    """A path below the mount: its decoded segments, and whose it is."""

    segments: tuple[str, ...]
    area: Literal["api", "assets", "page"]


def read_path(raw: str) -> Path:
    """The segments of a percent-encoded path, one trailing slash ignored.

    404 for what could mean another path to somebody who decodes it once more or normalises it:
    dot segments, slashes and backslashes inside a segment, NUL, bytes that are no UTF-8.
    """
    parts = raw.removeprefix("/").split("/")
    if parts[-1] == "":
        parts.pop()
    segments = tuple(_segment(part) for part in parts)
    first = segments[0] if segments else ""
    return Path(segments, "api" if first == "api" else "assets" if first == "assets" else "page")


def _segment(part: str) -> str:
    try:
        text = unquote_to_bytes(part).decode("utf-8")
    except UnicodeDecodeError:
        raise unknown_path() from None
    if text in (".", "..") or any(sign in text for sign in "/\\\0"):
        raise unknown_path()
    return text


class Router:
    """Finds routes by segments. Fixed words win over parameters, whatever the order of routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_shape: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            shape = tuple(route.pattern.strip("/").split("/"))
            methods = self._by_shape.setdefault(shape, {})
            if route.method in methods:
                raise ValueError(f"two routes for {route.method} {route.pattern}")
            methods[route.method] = route
        self._shapes = sorted(self._by_shape, key=_fixed_first)

    def find(self, method: str, segments: tuple[str, ...]) -> tuple[Route, dict[str, str]]:
        """The route and its parameters; 404 for an unknown path, 405 for an unknown method."""
        for shape in self._shapes:
            params = _match(shape, segments)
            if params is None:
                continue
            methods = self._by_shape[shape]
            route = methods.get("GET" if method == "HEAD" else method)
            if route is None:
                raise method_error(sorted({*methods, *(("HEAD",) if "GET" in methods else ())}))
            return route, params
        raise unknown_path()


def _fixed_first(shape: tuple[str, ...]) -> tuple[bool, ...]:
    return tuple(part.startswith("{") for part in shape)


def _match(shape: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    if len(shape) != len(segments):
        return None
    params = {}
    for part, segment in zip(shape, segments, strict=True):
        if part.startswith("{"):
            if not segment or segment in _RESERVED.get(part, ()):
                return None
            params[part[1:-1]] = segment
        elif part != segment:
            return None
    return params
