"""Rows to try the application with: the same each time, and none twice."""

from trailbook.seed.rows import VISITS, seed, set_passwords

__all__ = ["VISITS", "seed", "set_passwords"]
