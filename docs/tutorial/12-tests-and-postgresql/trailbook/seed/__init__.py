"""Rows to try the application with: the same each time, and none twice."""

from trailbook.seed.rows import VISITS, administrator, seed, set_passwords

__all__ = ["VISITS", "administrator", "seed", "set_passwords"]
