"""Bulk calls on MariaDB: the same promises as elsewhere."""

from __future__ import annotations

import pytest
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

pytestmark = pytest.mark.parametrize("database", ["mariadb"], indirect=True)
