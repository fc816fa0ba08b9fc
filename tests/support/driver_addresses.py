"""Where the C tests of a driver find their servers: prints `export NAME='host=... port=...'` lines.

    driver_addresses.py postgres|mariadb|mysql

All servers must have been started: scripts/servers start postgres mariadb mysql tls pgbouncer replicas.
"""

from __future__ import annotations

import shlex
import sys

import instances
import packages
import servers


def socket_of(server: servers.Server) -> str | None:
    """The socket of a MySQL in a tree of its own, which knows it by another path."""
    for path in packages.CACHE.glob(f"debian-*/srv/{server.name}-{server.port}/s"):
        return str(path)
    return None


def addresses(name: str) -> dict[str, str]:
    kind = "POSTGRES" if name == "postgres" else "MYSQL"
    plain = servers.server(name)
    authority = instances.STATE / "tls" / "ca.pem"
    found = {
        f"OXYDE_TEST_{kind}": plain.keywords,
        f"OXYDE_TEST_{kind}_TLS": f"{servers.special(f'{name}-tls').keywords}",
    }
    if kind == "POSTGRES":
        found["OXYDE_TEST_PGBOUNCER"] = servers.special("pgbouncer").keywords
        found["OXYDE_TEST_POSTGRES_STANDBY"] = servers.special("postgres-standby").keywords
        return found
    found["OXYDE_TEST_MYSQL_TLS"] += f" ssl_ca={authority}"
    # MySQL always offers TLS.
    found["OXYDE_TEST_MYSQL_PLAIN"] = servers.server("mariadb").keywords
    path = socket_of(plain)
    return found | ({"OXYDE_TEST_MYSQL_SOCKET": path} if path else {})


for variable, value in addresses(sys.argv[1]).items():
    print(f"export {variable}={shlex.quote(value)}")
