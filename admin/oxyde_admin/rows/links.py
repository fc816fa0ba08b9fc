"""Many-to-many targets of several records at once: one statement per relation, cut per record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oxyde import F
from oxyde.queries import RowNumber, Window

from ..options.fields import fields_of
from ..options.model_admin import overrides
from ..values.encode import encode
from ..values.records import is_blob, record
from .among import among
from .reading import read

if TYPE_CHECKING:
    from ..options.resource import AdminField, Resource
    from ..security.rights import Rights

__all__ = ["LISTED_LINKS", "MOST_LINKS", "Linked", "linked"]

LISTED_LINKS = 100
"""How many targets a list shows of each record."""
MOST_LINKS = 1_000
"""How many targets a single record shows."""

_ROW = "oxyde_admin_row"
_Values = Mapping[str, Any]
_Identity = tuple[Any, ...]


@dataclass(slots=True)
class Linked:
    """Targets by relation, a list per record in the order of the records.

    `records` are the targets as JSON, `keys` the first of their keys as JSON, which tags are made
    of. `truncated` are the relations of which some record has more.
    """

    records: dict[str, list[list[dict[str, Any]]]] = field(default_factory=dict)
    keys: dict[str, list[list[Any]]] = field(default_factory=dict)
    truncated: set[str] = field(default_factory=set)

    def of(self, index: int) -> dict[str, Any]:
        """The targets of one record by relation."""
        return {name: lists[index] for name, lists in self.records.items()}

    def keys_of(self, index: int) -> dict[str, Any]:
        """Their keys."""
        return {name: lists[index] for name, lists in self.keys.items()}


@dataclass(slots=True)
class _Target:
    """What is shown of the records at the other end: with their fields, or the keys alone.

    `rows` are those that exist for the user, None for all.
    """

    fields: list[AdminField]
    keys: list[AdminField]
    resource: Resource | None
    rows: Any


@dataclass(slots=True)
class _Asked:
    """Which targets are wanted: of the records with these identities, at most `most` of each."""

    relation: AdminField
    target: _Target
    identities: list[_Identity]
    most: int

    @property
    def owners(self) -> list[str]:
        """The fields of the junction that say to which record a link belongs."""
        return [there for _, there in self.relation.link.near]

    @property
    def path(self) -> str:
        """The junction's relation to the target, as the beginning of a path."""
        name = fields_of(self.relation.link.through)[self.relation.link.far[0][0]].relation
        return f"{name}__"


async def linked(
    rights: Rights,
    held: Sequence[_Values],
    visible: Iterable[AdminField],
    most: int,
    *,
    client: Any = None,
    names: Collection[str] | None = None,
) -> Linked:
    """The targets of the visible m2m relations (of those in `names`) of records with these values."""
    found = Linked()
    for relation in visible:
        if relation.shape == "many_to_many" and (names is None or relation.name in names):
            here = [pair[0] for pair in relation.link.near]
            identities = [tuple(values[name] for name in here) for values in held]
            target = await _target(rights, relation, client)
            asked = _Asked(relation, target, identities, most)
            _take(asked, await _read(asked, rights.resource.on(client)) if held else [], found)
    return found


async def _target(rights: Rights, relation: AdminField, client: Any) -> _Target:
    model: Any = relation.target
    columns = [item for item in fields_of(model).values() if item.shape == "column"]
    keys = [item for item in columns if item.primary_key]
    target = rights.of(model)
    if target is None:
        return _Target(keys, keys, None, None)
    rows = await target.rows(client) if overrides(target.resource.admin, "query") else None
    if not await target.allows("view"):
        return _Target(keys, keys, None, rows)
    shown = [item for item in await target.visible() if item.shape in ("column", "foreign_key")]
    return _Target([item for item in shown if not is_blob(item)], keys, target.resource, rows)


async def _read(asked: _Asked, on: Mapping[str, Any]) -> list[dict[str, Any]]:
    link, owners, path, target = asked.relation.link, asked.owners, asked.path, asked.target
    through = fields_of(link.through)
    query = among(link.through.objects.query(), owners, set(asked.identities))
    if target.rows is not None:
        query = query.filter(**{f"{path}in": target.rows})
    keys = [name for name, item in through.items() if item.primary_key and item.shape == "column"]
    number = Window(RowNumber(), partition_by=owners, order_by=keys or [name for name, _ in link.far])
    query = query.annotate(**{_ROW: number}).filter(**{f"{_ROW}__lte": asked.most + 1})
    wanted = {name: through[name] for name in owners}
    wanted |= {f"{path}{item.name}": item for item in target.keys}
    wanted |= {f"{path}{item.name}": item for item in target.fields if item.shape == "column"}
    return await read(query.order_by(*owners, _ROW), wanted, on, {_ROW: F(_ROW)})


def _take(asked: _Asked, rows: Iterable[_Values], found: Linked) -> None:
    name, path, target = asked.relation.name, asked.path, asked.target
    records: dict[_Identity, list[dict[str, Any]]] = {}
    keys: dict[_Identity, list[Any]] = {}
    for row in rows:
        if row[_ROW] > asked.most:
            found.truncated.add(name)
            continue
        key = [encode(row[path + item.name], item) for item in target.keys]
        if None in key:
            continue  # the link leads nowhere
        owner = tuple(row[part] for part in asked.owners)
        records.setdefault(owner, []).append(_shown(target, path, row))
        known = keys.setdefault(owner, [])
        if len(known) < LISTED_LINKS:
            known.append(key[0] if len(key) == 1 else key)
    found.records[name] = [records.get(identity, []) for identity in asked.identities]
    found.keys[name] = [keys.get(identity, []) for identity in asked.identities]


def _shown(target: _Target, path: str, row: _Values) -> dict[str, Any]:
    if target.resource is None:
        return {item.name: encode(row[path + item.name], item) for item in target.keys}
    values = {name.removeprefix(path): value for name, value in row.items() if name.startswith(path)}
    return record(target.resource, values, target.fields)
