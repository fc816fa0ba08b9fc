"""The order of a list: sortable paths, the key always at the end (contract, 7.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from oxyde import F

from ..exceptions import InvalidParameterError
from ..options.fields import fields_of
from ..options.paths import Path, UnknownPathError, follow
from ..options.sorting import is_sortable
from ..values.keys import split
from .guards import guarded

if TYPE_CHECKING:
    from ..options.resource import AdminField
    from ..security.rights import Rights

__all__ = ["Term", "terms_of"]


@dataclass(frozen=True, slots=True)
class Term:
    """One column of the order. `expression` is what the database sorts by and compares.

    `own` names the field if it is the record's; others are selected beside the record.
    """

    text: str
    field: AdminField
    descending: bool
    nullable: bool
    expression: Any
    own: str | None


async def terms_of(rights: Rights, asked: str | None) -> list[Term]:
    """The order that was asked for, else the default one, and the key.

    InvalidParameterError, with one text for what is unknown, hidden or not sortable.
    """
    resource = rights.resource
    found: dict[str, Term] = {}
    if asked:
        for name in split(asked):
            _add(found, await _term(rights, name))
    else:
        for name in resource.ordering:
            try:
                _add(found, await _term(rights, name))
            except InvalidParameterError:
                continue  # hidden from this user: his lists are in the order of what he sees
    last = next(reversed(found.values()), None)
    descending = last is not None and last.descending
    for name in resource.keys:
        if name not in found:
            field = resource.fields[name]
            found[name] = Term(name, field, descending, False, F(name), name)
    return list(found.values())


def _add(found: dict[str, Term], term: Term) -> None:
    found.setdefault(term.text, term)


async def _term(rights: Rights, asked: str) -> Term:
    name, descending = asked.removeprefix("-"), asked.startswith("-")
    column = rights.resource.computed.get(name)
    if column is not None and column.ordering is not None:
        name = column.ordering.removeprefix("-")
        descending ^= column.ordering.startswith("-")
    try:
        path = _column(follow(rights.resource.model, name))
    except UnknownPathError as error:
        raise _refused() from error
    if not await _allowed(rights, path):
        raise _refused()
    assert path.field is not None
    one_step = len(path.steps) == 1
    return Term(
        path.text,
        path.field,
        descending,
        _nullable(path),
        F(path.text) if one_step else await guarded(rights, path),
        path.text if one_step else None,
    )


def _refused() -> InvalidParameterError:
    return InvalidParameterError("The list cannot be sorted like this.")


def _column(path: Path) -> Path:
    """A foreign key is sorted by its id."""
    field = path.field
    if field is None or field.shape != "foreign_key" or len(field.ids) != 1:
        return path
    model: Any = path.steps[-1][0]
    steps = (*path.steps[:-1], (model, field.ids[0]))
    return Path("__".join(name for _, name in steps), steps, fields_of(model)[field.ids[0]])


async def _allowed(rights: Rights, path: Path) -> bool:
    if path.field is None or path.keys or path.field.shape != "column" or not is_sortable(path.field):
        return False
    if any(field is None or field.shape != "foreign_key" for field in _relations(path)):
        return False
    if not await rights.sees(path):
        return False
    registered = all(rights.of(model) is not None for model, _ in path.steps)
    return registered or path.text in _declared(rights)


def _relations(path: Path) -> Iterator[AdminField | None]:
    model: Any
    for model, name in path.steps[:-1]:
        yield fields_of(model).get(name)


def _declared(rights: Rights) -> set[str]:
    """The paths that the project itself shows, filters, searches or sorts by: of models that are not
    registered nothing else may be felt."""
    resource = rights.resource
    columns = [column.ordering or "" for column in resource.computed.values()]
    names = (*resource.ordering, *resource.filtered, *resource.searched, *columns)
    return {name.removeprefix("-") for name in names}


def _nullable(path: Path) -> bool:
    nullable = any(field is not None and field.nullable for field in _relations(path))
    # A guarded path is NULL where the user has no right to the related row.
    return nullable or len(path.steps) > 1 or bool(path.field and path.field.nullable)
