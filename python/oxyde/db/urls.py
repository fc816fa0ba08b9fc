"""Connection URLs: parsed whole when a handle is made, without touching a disk or a network."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from . import _network

__all__ = ["DatabaseUrl", "parse_url", "redact"]

_log = logging.getLogger("oxyde.pool")

_SCHEMES = {
    "sqlite": "sqlite",
    "postgres": "postgres",
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
}
_ACCEPTED = "sqlite://, postgres://, postgresql://, mysql://, mariadb://"

_SQLITE_PARAMETERS = ("mode", "cache", "immutable", "vfs")
_SQLITE_VALUES = {
    "mode": ("ro", "rw", "rwc", "memory"),
    "cache": ("shared", "private"),
    "immutable": ("1", "true", "0", "false"),
}

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9]*)(\+[A-Za-z0-9_.-]+)?:(?P<rest>.*)", re.DOTALL)
_KEYWORD_FORM = re.compile(r"\s*[a-z_]+\s*=")
_SECRET = r"(?:ssl)?password|oauth_client_secret|scram_(?:client|server)_key"
_SECRET_NAME = re.compile(_SECRET, re.IGNORECASE)
_SECRET_KEYWORD = re.compile(rf"(?i)\b((?:{_SECRET})\s*=\s*)('(?:[^'\\]|\\.)*'|(?:[^\\\s&]|\\.)*)")


@dataclass(frozen=True)
class DatabaseUrl:
    """What a URL says.

    `path` is the file of a SQLite database, empty for a private one in memory; `guess`
    marks three slashes before several parts, which may also mean an absolute path.
    `parameters` of a server are what `_network` makes of the URL.
    """

    backend: str
    text: str
    path: str = ""
    guess: bool = False
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def in_memory(self) -> bool:
        """Whether the database lives in memory."""
        return self.backend == "sqlite" and (not self.path or self.parameters.get("mode") == "memory")

    def __repr__(self) -> str:
        return f"DatabaseUrl({redact(self.text)!r})"

    def resolved_path(self) -> str:
        """The file to open, absolute. Looks at the disk where the URL leaves a choice."""
        relative = os.path.abspath(self.path)
        if not self.guess:
            return relative
        absolute = "/" + self.path
        for candidate in (relative, absolute):
            if os.path.exists(candidate):
                break
        else:
            directories = [c for c in (relative, absolute) if os.path.isdir(os.path.dirname(c))]
            candidate = directories[0] if directories else relative
        if candidate == absolute:
            _log.warning("%s opens the absolute path %s; four slashes say so", redact(self.text), absolute)
        return candidate


def parse_url(text: str) -> DatabaseUrl:
    """Parses a URL; ValueError for what is not understood, naming what would be."""
    if not isinstance(text, str):
        raise TypeError(f"a database URL is a str, not {type(text).__name__}")
    match = _URL.fullmatch(text)
    backend = _SCHEMES.get(match["scheme"].lower()) if match else None
    if match is None or backend is None:
        if _KEYWORD_FORM.match(text):
            parameters = _network.from_keywords(text, redact(text))
            return DatabaseUrl("postgres", text, parameters=parameters)
        raise ValueError(f"Unsupported database URL {redact(text)!r}; it starts with one of {_ACCEPTED}")
    if backend == "sqlite":
        return _parse_sqlite(text, match["rest"])
    if not match["rest"].startswith("//"):
        raise ValueError(f"Unsupported database URL {redact(text)!r}; write {match['scheme']}://...")
    parse = _network.from_postgres if backend == "postgres" else _network.from_mysql
    return DatabaseUrl(backend, text, parameters=parse(match["rest"][2:], redact(text)))


def _parameters(query: str, text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise ValueError(
            f"the parameters of the URL {redact(text)!r} are not of the form name=value&..."
        ) from None
    return dict(pairs)


def _parse_sqlite(text: str, rest: str) -> DatabaseUrl:
    location, _, query = rest.partition("?")
    parameters = _parameters(query, text)
    _network.check_names(parameters, _SQLITE_PARAMETERS, redact(text))
    for name, allowed in _SQLITE_VALUES.items():
        value = parameters.get(name)
        if value is not None and value.lower() not in allowed:
            raise ValueError(f"{name}={value} in the URL {text!r}: it is one of {', '.join(allowed)}")
        if value is not None:
            parameters[name] = value.lower()
    path, guess = _sqlite_path(location)
    if "\0" in path:
        raise ValueError("a file name holds no NUL character")
    if not path and not location.startswith("//") and location != ":memory:":
        raise ValueError(
            f"Unsupported database URL {text!r}: it names no file; in memory is sqlite://:memory:"
        )
    return DatabaseUrl("sqlite", text, path, guess, parameters)


def _sqlite_path(location: str) -> tuple[str, bool]:
    guess = False
    if location.startswith("//"):
        location = location[2:]
        if location.startswith("//"):
            location = location[1:]
        elif location.startswith("/"):
            location = location[1:]
            guess = "/" in location
    path = unquote(location)
    return ("", False) if path == ":memory:" else (path, guess)


def redact(text: str) -> str:
    """The URL with *** for every password."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+_.-]*:/*)(.*)", text, re.DOTALL)
    if match is None:
        return _SECRET_KEYWORD.sub(r"\1***", text)
    scheme, rest = match.groups()
    at = re.match(r"[^/?]*@", rest)
    # A password with an unescaped slash or question mark is no valid one, but hidden all the same.
    end = at.end() if at is not None else rest.rfind("@") + 1
    if end:
        user, colon, _ = rest[: end - 1].partition(":")
        rest = user + (":***" if colon else "") + rest[end - 1 :]
    location, mark, query = rest.partition("?")
    shown = [
        f"{name}=***" if _SECRET_NAME.fullmatch(unquote(name)) else f"{name}{equals}{value}"
        for name, equals, value in (pair.partition("=") for pair in query.split("&"))
    ]
    return scheme + location + mark + "&".join(shown)
