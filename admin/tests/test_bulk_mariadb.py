"""Bulk calls on MariaDB and MySQL: the same promises as elsewhere."""

from __future__ import annotations

from everywhere import MARIADB_AND_MYSQL
from test_bulk import (
    admin,
    client,
    test_delete,
    test_errors_carry_the_key_and_nothing_is_written,
    test_update_of_all_that_match,
)

__all__ = [
    "admin",
    "client",
    "test_delete",
    "test_errors_carry_the_key_and_nothing_is_written",
    "test_update_of_all_that_match",
]

pytestmark = MARIADB_AND_MYSQL
