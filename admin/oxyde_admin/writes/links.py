"""Links of many-to-many relations, changed without touching those that stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from oxyde import IntegrityError, related

from ..exceptions import ConflictError, ErrorEntry, InvalidDataError, InvalidParameterError
from ..options.fields import fields_of
from ..values.keys import key_part
from .failures import about
from .targets import GONE, seen

if TYPE_CHECKING:
    from ..options.resource import AdminField
    from ..security.rights import Rights

__all__ = ["Linked", "apply", "plan"]

Key = tuple[Any, ...]


@dataclass(slots=True)
class _Plan:
    """What is to become of one relation. `places` tell where in the body each key stands."""

    field: AdminField
    replace: bool
    add: list[Key]
    remove: list[Key]
    places: dict[Key, list[str | int]]


@dataclass(slots=True)
class Linked:
    """What became of one relation: keys of the targets."""

    added: list[Key]
    removed: list[Key]


def plan(rights: Rights, links: Mapping[str, Any]) -> list[_Plan]:
    """What was sent for the relations, read. Raises InvalidDataError and ConflictError."""
    errors: list[ErrorEntry] = []
    plans: list[_Plan] = []
    for name, value in links.items():
        try:
            plans.append(_planned(rights.resource.fields[name], value))
        except InvalidDataError as error:
            errors.extend(error.errors)
    if errors:
        raise InvalidDataError(errors=errors)
    return plans


def _planned(field: AdminField, value: Any) -> _Plan:
    made = _Plan(field, isinstance(value, (list, tuple)), [], [], {})
    if made.replace:
        made.add = _keys(made, value, [field.name])
    elif isinstance(value, Mapping) and value and value.keys() <= {"add", "remove"}:
        made.add = _keys(made, value.get("add", []), [field.name, "add"])
        made.remove = _keys(made, value.get("remove", []), [field.name, "remove"])
    else:
        text = "Links are a list of keys, or an object of the lists add and remove."
        raise InvalidDataError(errors=[about("list_type", (field.name,), text)])
    return made


def _keys(made: _Plan, items: Any, loc: list[str | int]) -> list[Key]:
    if not isinstance(items, (list, tuple)):
        raise InvalidDataError(errors=[about("list_type", loc, "A list of keys is expected.")])
    errors: list[ErrorEntry] = []
    for index, item in enumerate(items):
        try:
            key = _key(made.field, item)
        except (InvalidParameterError, ValueError):
            errors.append(about("key", (*loc, index), "This is no key."))
            continue
        if key in made.places:
            text = "The same record is named twice."
            entry = about("duplicate_link", (*loc, index), text)
            raise ConflictError(text, code="duplicate_link", errors=[entry])
        made.places[key] = [*loc, index]
    if errors:
        raise InvalidDataError(errors=errors)
    return [key for key, place in made.places.items() if place[:-1] == loc]


def _key(field: AdminField, item: Any) -> Key:
    """The key of a target: a value, an array of a composite key's parts, or a record that holds it."""
    assert field.target is not None
    targets, names = fields_of(field.target), _far(field)
    if isinstance(item, Mapping):
        parts: Sequence[Any] = [item.get(name) for name in names]
    elif isinstance(item, field.target):  # what a hook has set
        parts = [getattr(item, name) for name in names]
    else:
        parts = item if len(names) > 1 and isinstance(item, (list, tuple)) else [item]
    if len(parts) != len(names):
        raise ValueError("wrong number of parts")
    return tuple(key_part(targets[name], part) for name, part in zip(names, parts, strict=True))


def _far(field: AdminField) -> list[str]:
    """The fields of the target that links refer to, in the order of its key."""
    assert field.target is not None
    order = field.target._db_meta.pk_fields
    names = [there for _, there in field.link.far]
    return sorted(names, key=lambda name: order.index(name) if name in order else 0)


async def apply(rights: Rights, record: Any, plans: Sequence[_Plan], client: Any) -> dict[str, Linked]:
    """Carries the plans out. Targets that the user cannot see stay linked and cannot be linked."""
    done: dict[str, Linked] = {}
    errors: list[ErrorEntry] = []
    for made in plans:
        try:
            done[made.field.name] = await _applied(rights, record, made, client)
        except InvalidDataError as error:
            errors.extend(error.errors)
    if errors:
        raise InvalidDataError(errors=errors)
    return done


async def _applied(rights: Rights, record: Any, made: _Plan, client: Any) -> Linked:
    assert made.field.target is not None
    names = _far(made.field)
    manager = related(record, made.field.name)
    there = {tuple(row): None for row in await manager.values_list(*names).all(client=client)}
    new = [key for key in made.add if key not in there]
    gone = [key for key in there if key not in made.places] if made.replace else made.remove
    gone = [key for key in gone if key in there]
    reachable = await seen(rights, made.field.target, names, [*new, *gone], client)
    strangers = [key for key in new if key not in reachable]
    if strangers:
        raise InvalidDataError(errors=[about("not_found", made.places[key], GONE) for key in strangers])
    gone = [key for key in gone if key in reachable]
    if gone:
        await manager.remove(*map(_given, gone), client=client)
    if new:
        await _add(manager, made.field, new, client)
    return Linked(new, gone)


async def _add(manager: Any, field: AdminField, keys: Sequence[Key], client: Any) -> None:
    """What the junction refuses is told at the relation: its own fields are nobody's business here."""
    try:
        await manager.add(*map(_given, keys), client=client)
    except ValidationError as error:
        text = "These records cannot be linked without further data."
        raise InvalidDataError(errors=[about("link", (field.name,), text)]) from error
    except IntegrityError as error:
        text = "The database refuses this link."
        raise ConflictError(errors=[about("link", (field.name,), text)]) from error


def _given(key: Key) -> Any:
    return key[0] if len(key) == 1 else key
