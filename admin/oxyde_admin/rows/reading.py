"""Rows as values by field name, never validated: what the model rejects can still be read.

A cell that cannot be decoded at all (an enum's value that is none, a date that is no date) makes
its column come as text, in a second statement; `stored.py` reads what can be read of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oxyde import Cast, F
from oxyde.exceptions import DataError

from ..exceptions import InvalidParameterError
from .stored import from_text

if TYPE_CHECKING:
    from oxyde.queries import Query

    from ..options.resource import AdminField

__all__ = ["Wanted", "read"]

Wanted = Mapping[str, "AdminField"]
_AS_TEXT = "oxyde_admin_text_{}"


async def read(
    query: Query[Any],
    wanted: Wanted,
    on: Mapping[str, Any],
    extra: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """The rows of a query, as dicts of the `wanted` paths (each with its field) and `extra` expressions.

    `on` says where the statement runs (`resource.on(client)`).
    """
    as_text: dict[str, str] = {}
    while True:
        names = [name for name in wanted if name not in as_text]
        texts = {alias: Cast(F(name), str) for name, alias in as_text.items()}
        try:
            rows = await query.values(*names, **texts, **(extra or {})).all(**on)
        except DataError as error:
            broken = _named_by(error, names, wanted)
            if not broken:
                raise InvalidParameterError("A value does not fit the column it is compared with.") from error
            as_text.update((name, _AS_TEXT.format(len(as_text) + i)) for i, name in enumerate(broken))
            continue
        return [_without_aliases(row, as_text, wanted) for row in rows] if as_text else list(rows)


def _named_by(error: DataError, names: Sequence[str], wanted: Wanted) -> list[str]:
    """The paths whose last column is the one that the error names."""
    return [name for name in names if error.column and wanted[name].column.db_column == error.column]


def _without_aliases(row: dict[str, Any], as_text: Mapping[str, str], wanted: Wanted) -> dict[str, Any]:
    texts = {name: from_text(row.pop(alias), wanted[name]) for name, alias in as_text.items()}
    return {name: texts[name] if name in texts else row[name] for name in wanted} | {
        name: value for name, value in row.items() if name not in wanted
    }
