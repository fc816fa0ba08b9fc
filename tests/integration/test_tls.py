"""TLS with certificates of our own: what each mode accepts and refuses, on both kinds of server."""

from __future__ import annotations

import gc
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import certificates
import instances
import packages
import plain_mysql
import pytest
import servers
import tls_servers

from oxyde import OperationalError, PoolSettings, db, execute_raw
from oxyde.db import execute_script


@dataclass
class Secured:
    """A server with a certificate for `localhost`, and one for another host."""

    name: str
    right: instances.Instance
    wrong_host: instances.Instance
    folder: Path

    @property
    def authority(self) -> str:
        return str(self.folder / "ca.pem")

    @property
    def stranger(self) -> str:
        return str(self.folder / "stranger" / "ca.pem")

    def url(self, instance: instances.Instance | None = None, user: str = "", **params: str) -> str:
        url = (instance or self.right).url.replace("127.0.0.1", "localhost")  # type: ignore[attr-defined]
        if user:
            url = url.replace("postgres@", f"{user}@").replace("root@", f"{user}@")
        return url + ("?" + "&".join(f"{name}={value}" for name, value in params.items()) if params else "")

    def plain(self) -> str:
        return servers.available(self.name).url


@pytest.fixture(scope="module", params=[name for name in servers.chosen() if name != "sqlite"])
def secured(request: pytest.FixtureRequest) -> Iterator[Secured]:
    folder = instances.folder()
    authority = certificates.Authority(folder)
    certificates.Authority(folder / "stranger", "a stranger")
    right = authority.issue("localhost", "DNS:localhost", "IP:127.0.0.1")
    wrong = authority.issue("elsewhere.example", "DNS:elsewhere.example")
    authority.issue("certified")
    made = [make(request.param, pair, authority.cert) for pair in (right, wrong)]
    try:
        for instance in made:
            instance.start()
        yield Secured(request.param, made[0], made[1], folder)
    finally:
        for instance in made:
            instance.remove()


def make(name: str, pair: certificates.Pair, authority: Path) -> instances.Instance:
    port = instances.free_port()
    if name == "postgres":
        return tls_servers.tls_postgres(instances.folder(), port, pair, authority, only=True)
    if name == "mariadb":
        return tls_servers.tls_mariadb(instances.folder(), port, pair, authority)
    root = packages.tree("sid", "mysql-server-core", "usr/sbin/mysqld")
    folder = Path(root) / "srv" / f"tmp-{os.getpid()}-{port}"
    folder.mkdir(parents=True)
    return tls_servers.tls_mysql(folder, port, pair, authority, root)


async def encrypted(url: str, **settings: object) -> bool:
    """Whether the session runs over TLS."""
    async with db.connect(url, name="tls", settings=PoolSettings(connect_timeout=5, **settings)) as database:  # type: ignore[arg-type]
        if database.backend == "postgres":
            (row,) = await execute_raw(
                "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", using="tls"
            )
            return bool(row["ssl"])
        (row,) = await execute_raw("SHOW STATUS LIKE 'Ssl_cipher'", using="tls")
        return bool(row["Value"])


async def refused(url: str, **settings: object) -> str:
    with pytest.raises(OperationalError) as caught:
        await encrypted(url, **settings)
    return str(caught.value)


async def test_modes_in_settings(secured: Secured) -> None:
    assert await encrypted(secured.url(), ssl_mode="disable") is False
    assert await encrypted(secured.url(), ssl_mode="prefer") is True
    assert await encrypted(secured.url(), ssl_mode="PREFERRED") is True
    assert await encrypted(secured.url(), ssl_mode="require") is True
    assert await encrypted(secured.url(), ssl_mode="required") is True
    assert await encrypted(secured.url(), ssl_mode="verify-ca", ssl_root_cert=secured.authority) is True
    assert await encrypted(secured.url(), ssl_mode="verify_full", ssl_root_cert=secured.authority) is True
    assert await encrypted(secured.url(), ssl_mode="verify_identity", ssl_root_cert=secured.authority)


async def test_modes_in_urls(secured: Secured) -> None:
    key = "sslmode" if secured.name == "postgres" else "ssl-mode"
    authority = "sslrootcert" if secured.name == "postgres" else "ssl-ca"
    assert await encrypted(secured.url(**{key: "disable"})) is False
    assert await encrypted(secured.url(**{key: "require"})) is True
    assert await encrypted(secured.url(**{key: "verify-full", authority: secured.authority})) is True
    assert await encrypted(secured.url(**{"ssl-mode": "verify-ca", "ssl-ca": secured.authority})) is True
    # settings win over the URL
    assert await encrypted(secured.url(**{key: "disable"}), ssl_mode="require") is True


async def test_a_certificate_for_another_host(secured: Secured) -> None:
    wrong = secured.url(secured.wrong_host)
    assert await encrypted(wrong, ssl_mode="require") is True
    assert await encrypted(wrong, ssl_mode="verify-ca", ssl_root_cert=secured.authority) is True
    await refused(wrong, ssl_mode="verify-full", ssl_root_cert=secured.authority)


async def test_an_authority_that_did_not_sign(secured: Secured) -> None:
    await refused(secured.url(), ssl_mode="verify-ca", ssl_root_cert=secured.stranger)
    await refused(secured.url(), ssl_mode="verify-full", ssl_root_cert=secured.stranger)
    # require checks the chain when it is given an authority
    await refused(secured.url(), ssl_mode="require", ssl_root_cert=secured.stranger)


async def test_verifying_without_a_file_uses_the_systems_store(secured: Secured) -> None:
    assert ssl.get_default_verify_paths() is not None
    await refused(secured.url(), ssl_mode="verify-full")


async def test_required_but_not_offered(secured: Secured) -> None:
    if secured.name == "mysql":
        pytest.skip("MySQL always offers TLS")
    plain = secured.plain()
    if secured.name == "postgres" and servers.available("postgres").rows("SHOW ssl") == [("on",)]:
        instance = instances.Postgres(instances.folder(), instances.free_port())
        try:
            instance.start()
            assert "server does not support TLS" in await refused(instance.url, ssl_mode="require")
        finally:
            instance.remove()
        return
    assert "server does not support TLS" in await refused(plain, ssl_mode="require")
    assert await encrypted(plain, ssl_mode="prefer") is False


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_nothing_is_told_to_a_mysql_server_without_tls(mode: str) -> None:
    """However early its greeting comes: where it lay there when the library looked, the password followed."""
    with plain_mysql.PlainMySQL() as server:
        url = f"mysql://me:secret@127.0.0.1:{server.port}/shop"
        for _ in range(40):
            assert "server does not support TLS" in await refused(url, ssl_mode=mode)
    assert server.told == b""


async def test_connecting_over_tls_leaves_nothing_behind(secured: Secured) -> None:
    def counted() -> int:
        gc.collect()
        return len(gc.get_objects())

    for _ in range(10):
        assert await encrypted(secured.url(), ssl_mode="require") is True
    objects = counted()
    for _ in range(60):
        assert await encrypted(secured.url(), ssl_mode="require") is True
    # A few that come and go; one kept per connection would be sixty.
    assert counted() - objects < 60


async def test_client_certificates(secured: Secured) -> None:
    pair = {
        "ssl_client_cert": str(secured.folder / "certified.pem"),
        "ssl_client_key": str(secured.folder / "certified.key"),
        "ssl_root_cert": secured.authority,
        "ssl_mode": "verify-full",
    }
    async with db.connect(secured.url(), name="root"):
        if secured.name == "postgres":
            await execute_script("CREATE ROLE certified LOGIN; CREATE ROLE secured LOGIN", using="root")
        else:
            await execute_script(
                "CREATE USER certified REQUIRE X509; GRANT ALL ON test.* TO certified", using="root"
            )
    try:
        assert await encrypted(secured.url(user="certified"), **pair) is True
        await refused(secured.url(user="certified"), ssl_mode="require")
        if secured.name == "postgres":
            assert await encrypted(secured.url(user="secured"), ssl_mode="require") is True
            await refused(secured.url(user="secured"), ssl_mode="disable")
    finally:
        async with db.connect(secured.url(), name="root"):
            drop = (
                "DROP ROLE certified; DROP ROLE secured"
                if secured.name == "postgres"
                else "DROP USER certified"
            )
            await execute_script(drop, using="root")


@pytest.mark.parametrize("mode", ["disable", "require"])
async def test_passwords_with_and_without_tls(secured: Secured, mode: str) -> None:
    """caching_sha2_password and ed25519 need no TLS; a wrong password is told without showing it."""
    if secured.name == "postgres":
        pytest.skip("passwords of PostgreSQL are libpq's")
    plugin = {
        "mysql": "IDENTIFIED WITH caching_sha2_password BY 'sécret/1@'",
        "mariadb": "IDENTIFIED BY 'sécret/1@'",
    }[secured.name]
    async with db.connect(secured.url(), name="root"):
        await execute_script(
            f"CREATE USER secretive {plugin}; GRANT ALL ON test.* TO secretive", using="root"
        )
    try:
        url = secured.url(user="secretive:s%C3%A9cret%2F1%40")
        assert await encrypted(url, ssl_mode=mode) is (mode == "require")
        assert await encrypted(url, ssl_mode=mode) is (mode == "require"), "the server's cache answers now"
        words = await refused(secured.url(user="secretive:wr0ng-one"), ssl_mode=mode)
        assert "wr0ng" not in words
    finally:
        async with db.connect(secured.url(), name="root"):
            await execute_script("DROP USER secretive", using="root")
