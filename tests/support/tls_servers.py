"""Servers that offer TLS with certificates of ours."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from certificates import Pair
from instances import Instance, MariaDB, MySQL, Postgres


def _copies(server: Instance, pair: Pair, authority: Path) -> dict[str, Path]:
    """The files where the server can read them; the key is its own."""
    copies = {}
    for name, source in (("ca", authority), ("cert", pair.cert), ("key", pair.key)):
        copies[name] = server.folder / f"tls-{name}.pem"
        shutil.copyfile(source, copies[name])
        copies[name].chmod(0o600)
        if os.getuid() == 0 and server.user() is not None:
            shutil.chown(copies[name], server.user(), server.user())
    return copies


def tls_postgres(folder: Path, port: int, pair: Pair, authority: Path, *, only: bool = False) -> Postgres:
    """PostgreSQL with TLS; with `only` it takes nothing else over TCP from the user `secured`."""
    server = Postgres(folder, port)
    files = _copies(server, pair, authority)
    server.options |= {
        "ssl": "on",
        "ssl_cert_file": f"'{files['cert']}'",
        "ssl_key_file": f"'{files['key']}'",
        "ssl_ca_file": f"'{files['ca']}'",
    }
    if only:
        server.hba = (
            "local all all trust\nhost all postgres 127.0.0.1/32 trust\n"
            "hostssl all secured 127.0.0.1/32 trust\n"
            "hostssl all certified 127.0.0.1/32 cert\n"
        )
    return server


def tls_mariadb(folder: Path, port: int, pair: Pair, authority: Path) -> MariaDB:
    server = MariaDB(folder, port)
    files = _copies(server, pair, authority)
    server.options |= {f"ssl-{name}": str(path) for name, path in files.items()}
    return server


def tls_mysql(folder: Path, port: int, pair: Pair, authority: Path, root: str) -> MySQL:
    server = MySQL(folder, port, root=root)
    files = _copies(server, pair, authority)
    server.options |= {f"ssl-{name}": server.inside(path) for name, path in files.items()}
    return server
