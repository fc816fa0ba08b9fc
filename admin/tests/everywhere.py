"""The databases that tests of the panel run on besides SQLite: `pytestmark = EVERYWHERE`."""

from __future__ import annotations

import pytest

EVERYWHERE = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
