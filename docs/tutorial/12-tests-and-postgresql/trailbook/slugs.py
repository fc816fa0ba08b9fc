"""Names for URLs."""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable
from itertools import chain, count
from typing import Any, TypeVar

from oxyde import Model, UniqueViolationError, atomic
from oxyde.queries import FlatValuesListQuery
from trailbook.errors import Problem

LENGTH = 100
ROUNDS = 200
Row = TypeVar("Row", bound=Model)


def slugify(text: str, fallback: str) -> str:
    """Letters and digits of any script in lower case, joined by hyphens; `fallback` if there are none."""
    plain = unicodedata.normalize("NFKC", text).lower()
    words = "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in plain)
    return "-".join(words.split())[:LENGTH].strip("-") or fallback


async def with_free_slug(base: str, write: Callable[[str], Awaitable[Row]]) -> Row:
    """What `write` makes with the first of `base`, `base-2`, … that is free.

    The unique column decides, so two who write at once cannot both win; each try is a savepoint,
    because an error ends a transaction of PostgreSQL.
    """
    for number in range(1, ROUNDS):
        try:
            async with atomic():
                return await write(base if number == 1 else f"{base}-{number}")
        except UniqueViolationError:
            continue
    raise Problem(409, "taken", "Too many entries have this name.")


async def free_slug(taken: FlatValuesListQuery[Any], base: str) -> str:
    """The first of `base`, `base-2`, … that is not among these; the unique column still decides."""
    known = set(await taken.filter(slug__startswith=base).all())
    numbered = (f"{base}-{number}" for number in count(2))
    return next(slug for slug in chain([base], numbered) if slug not in known)
