"""What URLs mean, and what is refused before anything is opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oxyde import db
from oxyde.db.urls import parse_url, redact
from oxyde.migrations.utils import detect_dialect

MEMORY = ["sqlite::memory:", "sqlite://:memory:", "sqlite:///:memory:", "sqlite://"]
RELATIVE = {
    "sqlite://shop.db": "shop.db",
    "sqlite:shop.db": "shop.db",
    "sqlite://./shop.db": "./shop.db",
    "sqlite:///shop.db": "shop.db",
    "sqlite:///data/shop.db": "data/shop.db",
    "sqlite:///data/a%20b.db": "data/a b.db",
    "SQLite+aiosqlite:///shop.db": "shop.db",
}
ABSOLUTE = {"sqlite:////srv/shop.db": "/srv/shop.db", "sqlite:/srv/shop.db": "/srv/shop.db"}


@pytest.mark.parametrize("url", MEMORY)
def test_memory_urls(url: str) -> None:
    assert parse_url(url).in_memory
    assert parse_url(url).path == ""


@pytest.mark.parametrize("url", RELATIVE)
def test_relative_urls(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_url(url).path == RELATIVE[url]
    assert parse_url(url).resolved_path() == os.path.abspath(tmp_path / RELATIVE[url])


@pytest.mark.parametrize("url", ABSOLUTE)
def test_absolute_urls(url: str) -> None:
    assert parse_url(url).resolved_path() == ABSOLUTE[url]


def test_three_slashes_open_the_file_that_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    url = f"sqlite:///{str(there)[1:]}/shop.db"
    # Neither file exists, but only the absolute path has its directory.
    assert parse_url(url).resolved_path() == str(there / "shop.db")
    (here / str(there)[1:]).mkdir(parents=True)
    assert parse_url(url).resolved_path() == str(here / str(there)[1:] / "shop.db")
    (there / "shop.db").touch()
    assert parse_url(url).resolved_path() == str(there / "shop.db")
    assert parse_url("sqlite:///shop.db").resolved_path() == str(here / "shop.db")


def test_parameters_are_known_ones() -> None:
    assert parse_url("sqlite://shop.db?mode=ro&immutable=1").parameters == {"mode": "ro", "immutable": "1"}
    with pytest.raises(ValueError, match=r"'mod'.*'mode'"):
        parse_url("sqlite://shop.db?mod=ro")
    with pytest.raises(ValueError, match="rwc"):
        parse_url("sqlite://shop.db?mode=write")
    with pytest.raises(ValueError, match="sslmode"):
        parse_url("postgresql://u@h/d?sslmod=require")
    with pytest.raises(ValueError, match="charset"):
        parse_url("mysql://u@h/d?charst=utf8")
    assert parse_url("postgres://u:p@h1:1,h2:2/d?options[search_path]=x").backend == "postgres"


@pytest.mark.parametrize(
    ("url", "backend"),
    [
        ("postgres://u:p@h/d", "postgres"),
        ("postgresql+asyncpg://h/d", "postgres"),
        ("postgresql:///d?host=/run/pg", "postgres"),
        ("postgresql://[::1]:5432/d", "postgres"),
        ("host=db1 dbname=shop password='it\\'s'", "postgres"),
        ("mysql://u@h:3306/d", "mysql"),
        ("mariadb://h/d", "mysql"),
        ("sqlite://x.db", "sqlite"),
    ],
)
def test_schemes_name_the_backend(url: str, backend: str) -> None:
    assert db.AsyncDatabase(url, auto_register=False).backend == backend


@pytest.mark.parametrize("url", ["", "shop.db", "oracle://h/d", "http://h", "sqlite", "postgres:h", "://x"])
def test_other_urls_are_refused_naming_the_schemes(url: str) -> None:
    with pytest.raises(ValueError, match=r"^Unsupported database URL"):
        parse_url(url)


def test_bad_ports_and_types_are_refused() -> None:
    for url in ("postgres://h:99999/d", "mysql://h:port/d"):
        with pytest.raises(ValueError, match="port"):
            parse_url(url)
    with pytest.raises(TypeError):
        parse_url(b"sqlite://")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        "postgres://user:s3cret@h/d",
        "postgres://user:s3cr%40et-s3cret@h/d",
        "postgres://user:a@s3cret@h/d",
        "postgres://u@h/d?password=s3cret&sslmode=require",
        "host=h password=s3cret dbname=d",
        "host=h password='s3 s3cret' dbname=d",
        "mysql://user:s3cret@h/d?charst=utf8",
    ],
)
def test_passwords_show_nowhere(url: str) -> None:
    assert "s3cret" not in redact(url)
    assert "***" in redact(url)
    try:
        handle = db.AsyncDatabase(url, auto_register=False)
    except ValueError as error:
        assert "s3cret" not in str(error)
    else:
        assert handle.url == url
        assert "s3cret" not in repr(handle)


@pytest.mark.parametrize(
    ("url", "dialect"),
    [
        ("sqlite:///shop.db", "sqlite"),
        ("SQLite::memory:", "sqlite"),
        ("postgresql+asyncpg://db1/shop", "postgres"),
        ("mysql://db1/shop", "mysql"),
        ("MariaDB://db1/shop", "mysql"),
        ("host=db1 dbname=shop", "postgres"),
    ],
)
def test_the_dialect_of_a_url(url: str, dialect: str) -> None:
    assert detect_dialect(url) == dialect
