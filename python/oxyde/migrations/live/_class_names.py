"""Names of tables and columns as names of Python."""

from __future__ import annotations

import re

__all__ = ["class_name", "snake_name"]


def class_name(name: str) -> str:
    """`film_actor` gives `FilmActor`; what is in capitals already stays."""
    words = [word for word in re.split(r"[\W_]+", name) if word]
    made = "".join(word[0].upper() + (word[1:].lower() if word.isupper() else word[1:]) for word in words)
    return made if made and not made[0].isdigit() else f"T{made}"


def snake_name(name: str) -> str:
    """`ArtistId` gives `artist_id`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[\W_]+", "_", spaced).strip("_").lower()
