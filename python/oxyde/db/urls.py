"""Connection URLs: parsed whole when a handle is made, without touching a disk or a network."""

from __future__ import annotations

import difflib
import logging
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

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
_POSTGRES_PARAMETERS = [
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "passfile",
    "require_auth",
    "channel_binding",
    "connect_timeout",
    "client_encoding",
    "options",
    "application_name",
    "fallback_application_name",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "replication",
    "gssencmode",
    "sslmode",
    "requiressl",
    "sslnegotiation",
    "sslcompression",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcertmode",
    "sslrootcert",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "requirepeer",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "krbsrvname",
    "gsslib",
    "gssdelegation",
    "service",
    "target_session_attrs",
    "load_balance_hosts",
    "ssl-mode",
    "ssl-root-cert",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "statement-cache-capacity",
    "pgbouncer",
]
_MYSQL_PARAMETERS = [
    "ssl-mode",
    "sslmode",
    "ssl-ca",
    "sslca",
    "ssl-cert",
    "sslcert",
    "ssl-key",
    "sslkey",
    "charset",
    "collation",
    "socket",
    "unix_socket",
    "timezone",
    "time-zone",
    "connect_timeout",
    "compress",
    "statement-cache-capacity",
]

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9]*)(\+[A-Za-z0-9_.-]+)?:(?P<rest>.*)", re.DOTALL)
_KEYWORD_FORM = re.compile(r"\s*[a-z_]+\s*=")
_KEYWORD = re.compile(r"\s*([a-z_]+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)\s*")


@dataclass(frozen=True)
class DatabaseUrl:
    """What a URL says.

    `path` is the file of a SQLite database, empty for a private one in memory; `guess`
    marks three slashes before several parts, which may also mean an absolute path.
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
            return _parse_keywords(text)
        raise ValueError(f"Unsupported database URL {redact(text)!r}; it starts with one of {_ACCEPTED}")
    if backend == "sqlite":
        return _parse_sqlite(text, match["rest"])
    if not match["rest"].startswith("//"):
        raise ValueError(f"Unsupported database URL {redact(text)!r}; write {match['scheme']}://...")
    return _parse_network(text, backend, match["rest"][2:])


def _check_names(names: Iterable[str], known: Iterable[str], text: str) -> None:
    options = list(known)
    for name in names:
        if name not in options:
            near = difflib.get_close_matches(name, options, 1, 0.5)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(options)}"
            raise ValueError(f"unknown parameter {name!r} in the URL {redact(text)!r}{hint}")


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
    _check_names(parameters, _SQLITE_PARAMETERS, text)
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


def _parse_network(text: str, backend: str, rest: str) -> DatabaseUrl:
    location, _, query = rest.partition("?")
    parameters = _parameters(query, text)
    known = _POSTGRES_PARAMETERS if backend == "postgres" else _MYSQL_PARAMETERS
    names = [n for n in parameters if not (backend == "postgres" and re.fullmatch(r"options\[.+\]", n))]
    _check_names(names, known, text)
    authority = location.partition("/")[0]
    for host in authority.rpartition("@")[2].split(","):
        port = re.fullmatch(r"(?:\[[^\]]*\]|[^:\[\]]*)(?::(\d*))?", host)
        if port is None or (port[1] and int(port[1]) > 65535):
            raise ValueError(f"bad host or port in the URL {redact(text)!r}")
    return DatabaseUrl(backend, text, unquote(location.partition("/")[2]), False, parameters)


def _parse_keywords(text: str) -> DatabaseUrl:
    parameters: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _KEYWORD.match(text, at)
        if match is None or match.end() == at:
            raise ValueError("Unsupported database URL: the keyword form is name=value name=value ...")
        value = match[2]
        if value.startswith("'"):
            value = value[1:-1]
        parameters[match[1]] = re.sub(r"\\(.)", r"\1", value)
        at = match.end()
    _check_names(parameters, _POSTGRES_PARAMETERS, text)
    return DatabaseUrl("postgres", text, parameters.get("dbname", ""), False, parameters)


def redact(text: str) -> str:
    """The URL with *** for every password."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+_.-]*://)([^/?]*@)?", text)
    if match and match[2]:
        user, colon, _ = match[2][:-1].partition(":")
        text = match[1] + user + (":***" if colon else "") + "@" + text[match.end() :]
    return re.sub(r"(?i)\b((?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^&\s]*)", r"\1***", text)
