"""The parameters of a list (contract, 7.1), read from a query string."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..exceptions import InvalidParameterError
from ..values.keys import split

if TYPE_CHECKING:
    from .counts import Mode
    from .filters import Arguments

__all__ = ["LIST_ARGUMENTS", "Asked"]

LIST_ARGUMENTS = frozenset({"page", "per_page", "ordering", "after", "before", "fields", "search", "count"})
"""The parameters of a list that are no filters."""

_DEFAULT_SIZE = 25
_MODES: Mapping[str, Mode] = {"exact": "exact", "none": "none"}
_INTEGER = re.compile(r"[+-]?[0-9]{1,300}")


@dataclass(slots=True)
class Asked:
    """The parameters of a list, read but not yet checked against the model."""

    page: int = 1
    per_page: int = _DEFAULT_SIZE
    ordering: str | None = None
    after: str | None = None
    before: str | None = None
    fields: list[str] | None = None
    search: str | None = None
    count: Mode = None
    filters: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, arguments: Arguments, most: int) -> Asked:
        """Reads the parameters; `most` is the largest page. InvalidParameterError."""
        given = list(arguments)
        named = {name: value for name, value in given if name in LIST_ARGUMENTS and value != ""}
        size = _integer("per_page", named.get("per_page"), _DEFAULT_SIZE)
        asked = cls(
            page=max(1, _integer("page", named.get("page"), 1)),
            per_page=most if size == 0 else max(1, min(size, most)),
            ordering=named.get("ordering"),
            after=named.get("after"),
            before=named.get("before"),
            fields=split(named["fields"]) if "fields" in named else None,
            search=named.get("search"),
            filters=[(name, value) for name, value in given if name not in LIST_ARGUMENTS],
        )
        if asked.after and asked.before:
            raise InvalidParameterError("A list continues either after or before a position.")
        if "count" in named:
            asked.count = _MODES.get(named["count"])
            if asked.count is None:
                raise InvalidParameterError("count is exact or none.")
        return asked


def _integer(name: str, text: str | None, default: int) -> int:
    if text is None:
        return default
    if not _INTEGER.fullmatch(text):
        raise InvalidParameterError(f"{name} must be a whole number.")
    return int(text)
