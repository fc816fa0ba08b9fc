"""URLs of servers: from text to the settings of the PostgreSQL and MySQL drivers, by their own names.

Beside these, the result may hold `connect_timeout` (seconds), `oxy.statement_cache` (a number) and
`oxy.pooler` (`yes`), which concern the pool.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from urllib.parse import unquote

__all__ = ["TLS_MODES", "check_names", "fold_mode", "from_keywords", "from_mysql", "from_postgres"]

# As libpq calls it, as the MySQL driver calls it.
TLS_MODES = {
    "disable": ("disable", "disabled"),
    "disabled": ("disable", "disabled"),
    "allow": ("allow", "preferred"),
    "prefer": ("prefer", "preferred"),
    "preferred": ("prefer", "preferred"),
    "require": ("require", "required"),
    "required": ("require", "required"),
    "verify-ca": ("verify-ca", "verify_ca"),
    "verify-full": ("verify-full", "verify_identity"),
    "verify-identity": ("verify-full", "verify_identity"),
}

_LIBPQ = [
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
    "sslkeylogfile",
    "sslpassword",
    "sslcertmode",
    "sslrootcert",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "requirepeer",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "min_protocol_version",
    "max_protocol_version",
    "krbsrvname",
    "gsslib",
    "gssdelegation",
    "scram_client_key",
    "scram_server_key",
    "oauth_issuer",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_scope",
    "service",
    "servicefile",
    "target_session_attrs",
    "load_balance_hosts",
]
_POSTGRES_ALSO = {
    "ssl-mode": "sslmode",
    "ssl-root-cert": "sslrootcert",
    "ssl-ca": "sslrootcert",
    "ssl-cert": "sslcert",
    "ssl-key": "sslkey",
    "statement-cache-capacity": "oxy.statement_cache",
    "pgbouncer": "oxy.pooler",
}
_MYSQL = {
    "ssl-mode": "ssl_mode",
    "sslmode": "ssl_mode",
    "ssl-ca": "ssl_ca",
    "sslca": "ssl_ca",
    "ssl-cert": "ssl_cert",
    "sslcert": "ssl_cert",
    "ssl-key": "ssl_key",
    "sslkey": "ssl_key",
    "charset": "charset",
    "collation": "collation",
    "socket": "socket",
    "unix_socket": "socket",
    "timezone": "time_zone",
    "time-zone": "time_zone",
    "connect_timeout": "connect_timeout",
    "compress": "compress",
    "statement-cache-capacity": "oxy.statement_cache",
}
_MYSQL_DEFAULTS = {"user": "root", "host": "localhost", "port": "3306"}
_TRUTH = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}

_OPTION = re.compile(r"options\[(.+)\]")
_HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::(\d*))?")
_KEYWORD = re.compile(r"\s*([a-z_]+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)\s*", re.DOTALL)


def fold_mode(text: str) -> str:
    """A TLS mode as `TLS_MODES` has it: case does not matter, and `_` is `-`."""
    return text.lower().replace("_", "-")


def check_names(names: Iterable[str], known: Iterable[str], shown: str) -> None:
    """ValueError for the first name that is not known, with the nearest that is."""
    options = list(known)
    for name in names:
        if name not in options:
            near = difflib.get_close_matches(name, options, 1, 0.5)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(options)}"
            raise ValueError(f"unknown parameter {name!r} in the URL {shown!r}{hint}")


# --- the three forms ------------------------------------------------------------------------


def from_postgres(rest: str, shown: str) -> dict[str, str]:
    """What follows `postgresql://`, by libpq's keywords."""
    authority, dbname, query = _parts(rest)
    user, password, hosts, ports = _authority(authority, shown)
    settings = {"host": ",".join(hosts), "port": ",".join(ports) if any(ports) else ""}
    settings |= {"user": user, "password": password, "dbname": dbname}
    return _postgres({name: value for name, value in settings.items() if value}, _pairs(query, shown), shown)


def from_keywords(text: str, shown: str) -> dict[str, str]:
    """libpq's `host=db1 dbname=shop ...`."""
    pairs: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        match = _KEYWORD.match(text, at)
        if match is None or match.end() == at:
            raise ValueError("Unsupported database URL: the keyword form is name=value name=value ...")
        value = match[2]
        if value.startswith("'"):
            value = value[1:-1]
        pairs.append((match[1], re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)))
        at = match.end()
    return _postgres({}, pairs, shown)


def from_mysql(rest: str, shown: str) -> dict[str, str]:
    """What follows `mysql://`, by the driver's names."""
    authority, dbname, query = _parts(rest)
    user, password, hosts, ports = _authority(authority, shown)
    if len(hosts) > 1:
        raise ValueError(f"several hosts in the URL {shown!r}: MySQL takes one")
    settings = dict(_MYSQL_DEFAULTS)
    parts = {"user": user, "password": password, "host": hosts[0], "port": ports[0], "dbname": dbname}
    settings.update({name: value for name, value in parts.items() if value})
    pairs = _pairs(query, shown)
    check_names((name for name, _ in pairs), _MYSQL, shown)
    for given, text in pairs:
        name = _MYSQL[given]
        settings[name] = _mysql_value(given, name, text, shown)
    return settings


def _mysql_value(given: str, name: str, text: str, shown: str) -> str:
    if name == "ssl_mode":
        return _tls_mode(given, text, shown)[1]
    if name == "compress":
        return "1" if _truth(given, text, shown) else "0"
    _check_numbers(given, name, text, shown)
    return text


def _postgres(settings: dict[str, str], pairs: list[tuple[str, str]], shown: str) -> dict[str, str]:
    names = (name for name, _ in pairs if not _OPTION.fullmatch(name))
    check_names(names, [*_LIBPQ, *_POSTGRES_ALSO, "ssl"], shown)
    options: list[str] = []
    for given, text in pairs:
        option = _OPTION.fullmatch(given)
        if option is not None:
            options.append(f"-c {_escaped(option[1])}={_escaped(text)}")
        elif given == "ssl":  # as libpq takes it over from JDBC
            if text != "true":
                raise ValueError(f"ssl={text} in the URL {shown!r}: it is true, or use sslmode")
            settings["sslmode"] = "require"
        elif given == "pgbouncer":
            if _truth(given, text, shown):
                settings["oxy.pooler"] = "yes"
        else:
            name = _POSTGRES_ALSO.get(given, given)
            _check_numbers(given, name, text, shown)
            settings[name] = _tls_mode(given, text, shown)[0] if name == "sslmode" else text
    if options:
        settings["options"] = " ".join([*filter(None, [settings.get("options")]), *options])
    return settings


# --- parts ------------------------------------------------------------------------------------


def _parts(rest: str) -> tuple[str, str, str]:
    location, _, query = rest.partition("?")
    authority, _, dbname = location.partition("/")
    return authority, unquote(dbname), query


def _authority(authority: str, shown: str) -> tuple[str, str, list[str], list[str]]:
    userinfo, _, places = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    hosts, ports = [], []
    for place in places.split(","):
        match = _HOST.fullmatch(place)
        if match is None or (match[2] and int(match[2]) > 65535):
            raise ValueError(f"bad host or port in the URL {shown!r}")
        hosts.append(unquote(match[1].strip("[]")))
        ports.append(match[2] or "")
    return unquote(user), unquote(password), hosts, ports


def _pairs(query: str, shown: str) -> list[tuple[str, str]]:
    # As libpq, and unlike forms on web pages, a plus sign is a plus sign.
    pairs = []
    for pair in query.split("&") if query else ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ValueError(f"the parameters of the URL {shown!r} are not of the form name=value&...")
        pairs.append((unquote(name), unquote(value)))
    return pairs


def _escaped(text: str) -> str:
    return re.sub(r"([\s\\])", r"\\\1", text)


def _tls_mode(name: str, value: str, shown: str) -> tuple[str, str]:
    mode = TLS_MODES.get(fold_mode(value))
    if mode is None:
        raise ValueError(f"{name}={value} in the URL {shown!r}: it is one of {', '.join(TLS_MODES)}")
    return mode


def _truth(name: str, value: str, shown: str) -> bool:
    truth = _TRUTH.get(value.lower())
    if truth is None:
        raise ValueError(f"{name}={value} in the URL {shown!r}: it is true or false")
    return truth


def _check_numbers(given_name: str, name: str, value: str, shown: str) -> None:
    if name == "connect_timeout":
        valid = re.fullmatch(r"\s*[-+]?\d+(\.\d*)?\s*", value)
    elif name == "oxy.statement_cache":
        valid = re.fullmatch(r"\d{1,6}", value)
    else:
        return
    if valid is None:
        raise ValueError(f"{given_name}={value} in the URL {shown!r}: it is a number")
