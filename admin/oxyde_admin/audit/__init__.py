"""History: who did what, when, to which record."""

from .changes import changes, link_changes, state
from .log import Entry, entry, record

__all__ = ["Entry", "changes", "entry", "link_changes", "record", "state"]
