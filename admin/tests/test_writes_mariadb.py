"""Writing on MariaDB and MySQL: the same promises as elsewhere."""

from __future__ import annotations

from everywhere import MARIADB_AND_MYSQL
from test_writes_single import (
    test_a_check_of_the_database_is_a_conflict,
    test_a_taken_value_is_a_conflict_at_its_field,
    test_reading_a_record_and_writing_it_back_changes_nothing,
    test_what_a_column_cannot_hold_is_invalid,
    test_what_is_still_referenced_is_protected,
)

__all__ = [
    "test_a_check_of_the_database_is_a_conflict",
    "test_a_taken_value_is_a_conflict_at_its_field",
    "test_reading_a_record_and_writing_it_back_changes_nothing",
    "test_what_a_column_cannot_hold_is_invalid",
    "test_what_is_still_referenced_is_protected",
]

pytestmark = MARIADB_AND_MYSQL
