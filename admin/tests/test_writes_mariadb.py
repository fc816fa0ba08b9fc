"""What depends on the server about writing, on MariaDB: the same promises as elsewhere."""

from __future__ import annotations

import pytest
from test_bulk import admin as admin
from test_bulk import client as client
from test_bulk import test_delete as test_delete
from test_bulk import test_errors_carry_the_key_and_nothing_is_written as test_errors_carry_the_key
from test_bulk import test_update_of_all_that_match as test_update_of_all_that_match
from test_writes_single import test_a_check_of_the_database_is_a_conflict as test_a_check
from test_writes_single import test_a_taken_value_is_a_conflict_at_its_field as test_a_taken_value
from test_writes_single import test_reading_a_record_and_writing_it_back_changes_nothing as test_round_trip
from test_writes_single import test_what_a_column_cannot_hold_is_invalid as test_what_does_not_fit
from test_writes_single import test_what_is_still_referenced_is_protected as test_protected

pytestmark = pytest.mark.parametrize("database", ["mariadb"], indirect=True)
