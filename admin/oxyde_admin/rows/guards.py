"""Keeping paths across relations within the rows that exist for the user.

A path reads other models' rows. Where such a model has a `query` of its own, what lies outside of
it must not be felt: neither by a filter that matches nor by a place in the order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oxyde import Case, F, Q, When

from ..options.model_admin import overrides

if TYPE_CHECKING:
    from ..options.paths import Path
    from ..security.rights import Rights

__all__ = ["guarded", "guards"]


async def guards(rights: Rights, path: Path) -> dict[str, Any]:
    """Lookups that all must hold for the path to be read; they belong into the `Q` that reads it.

    A relation at the end of the path is the key of its target; to-many ones count as read, since
    no column of the record shows their keys.
    """
    found: dict[str, Any] = {}
    names = [name for _, name in path.steps]
    ends_at_relation = path.field is not None and path.field.shape == "many_to_many"
    entered = len(path.steps) - (0 if ends_at_relation else 1)
    for index in range(entered):
        target = _entered(path, index)
        related = None if target is None else rights.of(target)
        if related is not None and overrides(related.resource.admin, "query"):
            found["__".join(names[: index + 1]) + "__in"] = await related.rows()
    return found


def _entered(path: Path, index: int) -> type[Any] | None:
    """The model that the path enters after the step."""
    if index + 1 < len(path.steps):
        return path.steps[index + 1][0]
    return None if path.field is None else path.field.target


async def guarded(rights: Rights, path: Path) -> Any:
    """The path as an expression that is NULL where the user has no right to the related row."""
    lookups = await guards(rights, path)
    if not lookups:
        return F(path.text)
    return Case(When(Q(**lookups), then=F(path.text)), default=None)
