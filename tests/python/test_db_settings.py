"""PoolSettings: durations, counts and choices are checked at construction."""

from __future__ import annotations

import math
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from oxyde import PoolSettings

FIRST_TWENTY = [
    "max_connections",
    "min_connections",
    "acquire_timeout",
    "idle_timeout",
    "max_lifetime",
    "test_before_acquire",
    "transaction_timeout",
    "transaction_cleanup_interval",
    "sqlite_journal_mode",
    "sqlite_synchronous",
    "sqlite_cache_size",
    "sqlite_busy_timeout",
    "ssl_mode",
    "ssl_root_cert",
    "ssl_client_cert",
    "ssl_client_key",
    "pg_application_name",
    "pg_statement_cache_capacity",
    "mysql_charset",
    "mysql_collation",
]


def test_the_first_twenty_fields_are_positional_in_order() -> None:
    positional = [field.name for field in fields(PoolSettings) if not field.kw_only]
    assert positional == FIRST_TWENTY
    assert PoolSettings(7, 2).max_connections == 7
    assert PoolSettings(7) == PoolSettings(max_connections=7)


@pytest.mark.parametrize("value", [3, 2.5, timedelta(seconds=4), math.inf, 0])
def test_durations_are_numbers_or_timedeltas(value: Any) -> None:
    assert PoolSettings(acquire_timeout=value, statement_timeout=value).acquire_timeout == value


@pytest.mark.parametrize(
    "name", ["acquire_timeout", "transaction_timeout", "statement_timeout", "cancel_timeout"]
)
def test_bad_durations_are_refused(name: str) -> None:
    for wrong in ("3", b"3", True, [3]):
        with pytest.raises(TypeError, match=type(wrong).__name__):
            PoolSettings(**{name: wrong})  # type: ignore[arg-type]
    for wrong in (-1, -0.5, math.nan, timedelta(seconds=-1)):
        with pytest.raises(ValueError, match="non-negative"):
            PoolSettings(**{name: wrong})  # type: ignore[arg-type]


def test_counts_fit_together() -> None:
    with pytest.raises(ValueError, match="min_connections cannot exceed max_connections"):
        PoolSettings(max_connections=2, min_connections=3)
    with pytest.raises(ValueError, match="min_connections cannot exceed max_connections"):
        PoolSettings(min_connections=11)
    with pytest.raises(ValueError, match="max_connections"):
        PoolSettings(max_connections=0)
    with pytest.raises(TypeError, match="str"):
        PoolSettings(max_connections="3")  # type: ignore[arg-type]
    assert PoolSettings(max_connections=1).min == 1
    assert PoolSettings(sqlite_cache_size=-2000).sqlite_cache_size == -2000


@pytest.mark.parametrize(
    "wrong",
    [
        {"sqlite_journal_mode": "FAST"},
        {"sqlite_synchronous": "NEVER"},
        {"ssl_mode": "maybe"},
        {"session_reset": "sometimes"},
        {"sqlite_pragmas": {"mmap_size; DROP": 1}},
    ],
)
def test_choices_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        PoolSettings(**wrong)


def test_names_of_choices_are_free_in_case() -> None:
    PoolSettings(sqlite_journal_mode="wal", sqlite_synchronous="full", ssl_mode="VERIFY_FULL")
