"""Questions about a model that tools beside oxyde ask: its relations, and what the database fills in."""

from __future__ import annotations

from ._plan import is_generated
from ._relations import relation_of

__all__ = ["is_generated", "relation_of"]
