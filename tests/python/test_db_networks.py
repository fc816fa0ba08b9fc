"""URLs of servers and settings, as the drivers get them."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from oxyde import PoolSettings
from oxyde.db._driver import configuration
from oxyde.db.urls import parse_url, redact


def driver(url: str, **settings: Any) -> dict[str, str]:
    found: dict[str, str] = configuration(parse_url(url), PoolSettings(**settings), "default")["settings"]
    return found


def pool(url: str, **settings: Any) -> dict[str, Any]:
    found: dict[str, Any] = configuration(parse_url(url), PoolSettings(**settings), "default")["pool"]
    return found


POSTGRES = {
    "postgresql://": {},
    "postgres://h": {"host": "h"},
    "postgresql://u:p@h:5433/d": {"user": "u", "password": "p", "host": "h", "port": "5433", "dbname": "d"},
    "postgresql+asyncpg://u%40x:p%2Fw%25@h/d%20e": {
        "user": "u@x",
        "password": "p/w%",
        "host": "h",
        "dbname": "d e",
    },
    "postgresql://h1:1,h2:2/d": {"host": "h1,h2", "port": "1,2", "dbname": "d"},
    "postgresql://h1,h2:2/d": {"host": "h1,h2", "port": ",2", "dbname": "d"},
    "postgresql://h1,h2/d": {"host": "h1,h2", "dbname": "d"},
    "postgresql:///d?host=a,b&port=1,2": {"host": "a,b", "port": "1,2", "dbname": "d"},
    "postgresql://[::1]:5432/d": {"host": "::1", "port": "5432", "dbname": "d"},
    "postgresql://%2Frun%2Fpg/d": {"host": "/run/pg", "dbname": "d"},
    "postgresql:///d?host=/run/pg": {"host": "/run/pg", "dbname": "d"},
    "postgresql:///?service=shop&target_session_attrs=read-write&load_balance_hosts=random": {
        "service": "shop",
        "target_session_attrs": "read-write",
        "load_balance_hosts": "random",
    },
    "postgresql://h/d?options=-c%20geqo%3Doff&options[search_path]=a b\\c": {
        "host": "h",
        "dbname": "d",
        "options": r"-c geqo=off -c search_path=a\ b\\c",
    },
    "postgresql://h/d?application_name=a+b": {"host": "h", "dbname": "d", "application_name": "a+b"},
    "postgresql://h/d?ssl=true": {"host": "h", "dbname": "d", "sslmode": "require"},
    "postgresql://h/d?connect_timeout=3": {"host": "h", "dbname": "d"},
    "host=h1,h2 port=1,2 dbname='my shop' password='it\\'s' user = me": {
        "host": "h1,h2",
        "port": "1,2",
        "dbname": "my shop",
        "password": "it's",
        "user": "me",
    },
}


@pytest.mark.parametrize("url", POSTGRES)
def test_postgres_urls(url: str) -> None:
    assert driver(url) == POSTGRES[url]


MYSQL: dict[str, dict[str, str]] = {
    "mysql://": {},
    "mysql://u:p%3A@h:3307/d": {"user": "u", "password": "p:", "host": "h", "port": "3307", "dbname": "d"},
    "mariadb+aiomysql://h/d": {"host": "h", "dbname": "d"},
    "mysql:///d?unix_socket=/run/my.sock": {"dbname": "d", "socket": "/run/my.sock"},
    "mysql://h?charset=latin1&collation=latin1_bin": {
        "host": "h",
        "charset": "latin1",
        "collation": "latin1_bin",
    },
    "mysql://h?time-zone=+02:00": {"host": "h", "time_zone": "+02:00"},
    "mysql://h?timezone=%2B02:00&compress=true": {"host": "h", "time_zone": "+02:00", "compress": "1"},
    "mysql://h?sslmode=REQUIRED&sslca=/ca&ssl-cert=/cert&sslkey=/key": {
        "host": "h",
        "ssl_mode": "required",
        "ssl_ca": "/ca",
        "ssl_cert": "/cert",
        "ssl_key": "/key",
    },
}
MYSQL_DEFAULTS = {
    "user": "root",
    "host": "localhost",
    "port": "3306",
    "charset": "utf8mb4",
    "time_zone": "+00:00",
    "oxy.connect_timeout_ms": "10000",
}


@pytest.mark.parametrize("url", MYSQL)
def test_mysql_urls(url: str) -> None:
    assert driver(url) == MYSQL_DEFAULTS | MYSQL[url]


@pytest.mark.parametrize(
    "url",
    [
        "mysql://a,b/d",
        "mysql://h?compress=maybe",
        "mysql://h?sslmode=sometimes",
        "postgresql://h/d?sslmode=sometimes",
        "postgresql://h/d?ssl=false",
        "postgresql://h/d?connect_timeout=soon",
        "postgresql://h/d?statement-cache-capacity=-1",
        "postgresql://h/d?pgbouncer=perhaps",
        "postgresql://h/d?sslmode",
        "host=h sslmod=require",
        "host=h 'x",
    ],
)
def test_what_cannot_be_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError):
        parse_url(url)


@pytest.mark.parametrize(
    ("name", "postgres", "mysql"),
    [
        ("disable", "disable", "disabled"),
        ("DISABLED", "disable", "disabled"),
        ("allow", "allow", "preferred"),
        ("prefer", "prefer", "preferred"),
        ("preferred", "prefer", "preferred"),
        ("Require", "require", "required"),
        ("required", "require", "required"),
        ("verify_ca", "verify-ca", "verify_ca"),
        ("VERIFY-FULL", "verify-full", "verify_identity"),
        ("verify-identity", "verify-full", "verify_identity"),
    ],
)
def test_the_names_of_tls_modes_hold_for_both_servers(name: str, postgres: str, mysql: str) -> None:
    for url, setting, wanted in (
        ("postgresql://h/d", "sslmode", postgres),
        ("mysql://h/d", "ssl_mode", mysql),
    ):
        assert driver(f"{url}?ssl-mode={name}")[setting] == wanted
        # Settings come before the URL.
        assert driver(f"{url}?sslmode=disable", ssl_mode=name)[setting] == wanted


def test_files_for_tls(tmp_path: Path) -> None:
    files = {"ssl_root_cert": tmp_path / "ca", "ssl_client_cert": "cert", "ssl_client_key": "key"}
    found = driver("postgresql://h/d?ssl-ca=/other&sslmode=verify-full", **files)
    assert (found["sslrootcert"], found["sslcert"], found["sslkey"]) == (str(tmp_path / "ca"), "cert", "key")
    found = driver("mysql://h/d?ssl-ca=/other", **files)
    assert (found["ssl_ca"], found["ssl_cert"], found["ssl_key"]) == (str(tmp_path / "ca"), "cert", "key")
    assert driver("postgresql://h/d?ssl-root-cert=/own&sslmode=verify-ca")["sslrootcert"] == "/own"


def test_the_verifying_modes_use_the_systems_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    store = driver("postgresql://h/d?sslmode=verify-full").get("sslrootcert")
    assert store is None or Path(store).exists()
    monkeypatch.setenv("PGSSLROOTCERT", "/own")
    assert "sslrootcert" not in driver("postgresql://h/d?sslmode=verify-full")


def test_limits_reach_the_server_in_whole_milliseconds() -> None:
    for url in ("postgresql://h/d", "mysql://h/d"):
        found = driver(url, statement_timeout=1.5, lock_timeout=timedelta(microseconds=10))
        assert (found["oxy.statement_timeout_ms"], found["oxy.lock_timeout_ms"]) == ("1500", "1")
        assert "oxy.statement_timeout_ms" not in driver(url, statement_timeout=math.inf)


def test_statement_caches_and_poolers() -> None:
    url = "postgresql://h/d"
    assert (pool(url)["statement_cache"], driver(url).get("oxy.pooler")) == (100, None)
    assert driver(f"{url}?pgbouncer=true")["oxy.pooler"] == "yes"
    assert "oxy.pooler" not in driver(f"{url}?pgbouncer=false")
    assert driver(url, pg_statement_cache_capacity=0)["oxy.pooler"] == "yes"
    assert driver(f"{url}?pgbouncer=true", pg_statement_cache_capacity=5)["oxy.pooler"] == "no"
    assert pool(url, pg_statement_cache_capacity=5, statement_cache_capacity=7)["statement_cache"] == 5
    assert pool(url, statement_cache_capacity=7)["statement_cache"] == 7
    assert pool(f"{url}?statement-cache-capacity=9")["statement_cache"] == 9
    assert driver(f"{url}?statement-cache-capacity=0")["oxy.pooler"] == "yes"
    assert (
        pool("mysql://h/d?statement-cache-capacity=9", pg_statement_cache_capacity=5)["statement_cache"] == 9
    )


def test_what_else_settings_say() -> None:
    assert driver("postgresql://h/d?application_name=a", pg_application_name="b")["application_name"] == "b"
    found = driver(
        "mysql://h/d?charset=latin1", mysql_charset="utf8mb3", mysql_collation="c", mysql_sql_mode=""
    )
    assert (found["charset"], found["collation"], found["sql_mode"]) == ("utf8mb3", "c", "")
    assert pool("postgresql://h/d")["share_max"] > 1
    assert pool("postgresql://h/d", pg_pipeline=False)["share_max"] == 0
    assert pool("mysql://h/d")["share_max"] == 0
    assert pool("postgresql://h/d")["cancel_timeout"] == 2


@pytest.mark.parametrize(
    ("query", "setting", "wanted"),
    [
        ("", None, 10),
        ("?connect_timeout=3", None, 3),
        ("?connect_timeout=0", None, None),
        ("?connect_timeout=-1", None, None),
        ("?connect_timeout=3", 5, 5),
    ],
)
def test_the_urls_connect_timeout_stands_behind_the_settings(query: str, setting: Any, wanted: Any) -> None:
    for url in ("postgresql://h/d", "mysql://h/d"):
        assert pool(url + query, connect_timeout=setting)["connect_timeout"] == wanted


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgres://u:s3cret@h/d", "postgres://u:***@h/d"),
        ("postgres://u:s3/cret@h/d", "postgres://u:***@h/d"),
        ("postgres://u:s3?cret@h/d", "postgres://u:***@h/d"),
        ("postgres://u@h/d?pass%77ord=s3cret", "postgres://u@h/d?pass%77ord=***"),
        ("postgres://h/d?a=1&sslpassword=s3cret&b=2", "postgres://h/d?a=1&sslpassword=***&b=2"),
        ("postgres://h:5432/d?a=1", "postgres://h:5432/d?a=1"),
        ("postgres:u:s3cret@h", "postgres:u:***@h"),
        ("host=h password = 's3 cret' dbname=d", "host=h password = *** dbname=d"),
        ("host=h password=s3\\ cret dbname=d", "host=h password=*** dbname=d"),
        ("sqlite:///data/shop.db?mode=ro", "sqlite:///data/shop.db?mode=ro"),
    ],
)
def test_passwords_are_hidden_wherever_they_stand(url: str, shown: str) -> None:
    assert redact(url) == shown
