"""How an instance is linked to related rows: by their foreign key, or by rows of a junction.

Both kinds answer the same questions with statements of their own; `related()` asks them.
Keys are tuples of values of the fields `fields` of the related model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from .. import _core
from ..exceptions import FieldError, ManagerError
from ..queries._keys import batches, where_keys
from ..queries.query import Query
from ._in_step import drop_stale
from ._relations import RelationSpec
from ._unknown import near_misses

__all__ = ["Key", "Links", "links_of"]

Key = tuple[Any, ...]


class Links(Protocol):
    """The links of one instance through one relation."""

    fields: tuple[str, ...]

    def rows(self) -> Any:
        """The query over the related rows."""
        ...

    def values(self) -> dict[str, Any]:
        """What a related row is created with."""
        ...

    async def linked(self, client: Any) -> list[Key]:
        """Keys of all that is linked."""
        ...

    async def add(self, keys: Sequence[Key], defaults: Mapping[str, Any] | None, client: Any) -> int:
        """Links what is not linked yet; how much that was."""
        ...

    async def remove(self, keys: Sequence[Key], client: Any) -> int:
        """Ends these links; how many there were."""
        ...

    async def clear(self, client: Any) -> int:
        """Ends all links; how many there were."""
        ...

    def assign(self, rows: Iterable[Any], linked: bool) -> None:
        """Instances of related rows learn what their rows hold now."""
        ...


def links_of(instance: Any, name: str, spec: RelationSpec) -> Links:
    """The links of a saved instance through a reverse or many-to-many relation."""
    values = [instance.__dict__.get(here) for here, _ in spec.near]
    label = f"{type(instance).__name__}.{name}"
    if any(value is None for value in values):
        missing = ", ".join(here for here, _ in spec.near)
        raise ManagerError(f"related() needs the {missing} that {label} refers to: save the instance first")
    near = {there: value for (_, there), value in zip(spec.near, values, strict=True)}
    if spec.kind == _core.REL_MANY:
        return _ByJunction(label, spec, near)
    return _ByForeignKey(label, spec, near)


# --- reverse: the key is a column of the related rows -----------------------------------


class _ByForeignKey:
    """Rows whose foreign key names the instance."""

    def __init__(self, label: str, spec: RelationSpec, near: dict[str, Any]) -> None:
        self._label = label
        self._target = spec.target
        self._near = near
        self.fields: tuple[str, ...] = spec.target._db_meta.pk_fields
        if not self.fields:
            raise ManagerError(f"{label}: {spec.target.__name__} has no primary key to change its rows by")

    def rows(self) -> Any:
        return Query(self._target)._where((), self._near)

    def values(self) -> dict[str, Any]:
        return self._near

    async def linked(self, client: Any) -> list[Key]:
        found: list[Key] = await self.rows().values_list(*self.fields).all(client=client)
        return found

    async def add(self, keys: Sequence[Key], defaults: Mapping[str, Any] | None, client: Any) -> int:
        if defaults is not None:
            raise ManagerError(f"{self._label} has no junction that through_defaults could be written to")
        others = Query(self._target)._where((), self._near, True)
        count = 0
        for part in batches(self.fields, keys):
            count += await where_keys(others, self.fields, part).update(self._near, client=client)
        return count

    async def remove(self, keys: Sequence[Key], client: Any) -> int:
        count = 0
        for part in batches(self.fields, keys):
            chosen = where_keys(self.rows(), self.fields, part)
            count += await chosen.update(self._nothing(), client=client)
        return count

    async def clear(self, client: Any) -> int:
        count: int = await self.rows().update(self._nothing(), client=client)
        return count

    def _nothing(self) -> dict[str, Any]:
        """The foreign key of a row that is not linked."""
        columns = self._target._db_meta.columns
        for name in self._near:
            if not columns[name].nullable:
                raise ManagerError(
                    f"{self._label}: {self._target.__name__}.{name} is NOT NULL, so its rows always "
                    "belong to one; delete them, or link them elsewhere"
                )
        return dict.fromkeys(self._near)

    def assign(self, rows: Iterable[Any], linked: bool) -> None:
        for row in rows:
            for name, value in self._near.items():
                if linked or row.__dict__.get(name) == value:
                    _core.write_attribute(row, name, value if linked else None)
            drop_stale(row)


# --- many-to-many: rows of a junction ---------------------------------------------------------


class _ByJunction:
    """Rows that rows of a junction connect with the instance."""

    def __init__(self, label: str, spec: RelationSpec, near: dict[str, Any]) -> None:
        self._label = label
        self._target = spec.target
        self._through: Any = spec.through
        self._near = near
        keys = spec.target._db_meta.pk_fields
        # A list of row values is looked for in the order of the key.
        far = sorted(spec.far, key=lambda pair: keys.index(pair[1]) if pair[1] in keys else 0)
        self._far = tuple(here for here, _ in far)
        self.fields = tuple(there for _, there in far)

    def _junction(self) -> Any:
        return Query(self._through)._where((), self._near)

    def rows(self) -> Any:
        keyword = f"{self.fields[0]}__in" if len(self.fields) == 1 else "pk__in"
        return Query(self._target)._where((), {keyword: self._junction().values_list(*self._far)})

    def values(self) -> dict[str, Any]:
        return {}

    async def linked(self, client: Any) -> list[Key]:
        found: list[Key] = await self._junction().values_list(*self._far).all(client=client)
        return found

    async def add(self, keys: Sequence[Key], defaults: Mapping[str, Any] | None, client: Any) -> int:
        extra = self._checked(defaults)
        there: set[Key] = set()
        for part in batches(self._far, keys):
            chosen = where_keys(self._junction(), self._far, part)
            there.update(await chosen.values_list(*self._far).all(client=client))
        new = [
            {**extra, **self._near, **dict(zip(self._far, key, strict=True))}
            for key in keys
            if key not in there
        ]
        await Query(self._through).bulk_create(new, client=client)
        return len(new)

    def _checked(self, defaults: Mapping[str, Any] | None) -> dict[str, Any]:
        """The further columns of a new link, which must not be those that make it."""
        meta = self._through._db_meta
        own = {*self._near, *self._far}
        own |= {name for name, key in meta.foreign_keys.items() if own.intersection(key.ids)}
        for name in defaults or ():
            if name in own:
                raise ManagerError(
                    f"{self._label}: through_defaults cannot set {name!r}, which makes the link"
                )
            if name not in meta.field_metadata:
                near = near_misses(name, meta.field_metadata)
                raise FieldError(f"{self._through.__name__} has no field {name!r}{near}")
        return dict(defaults or {})

    async def remove(self, keys: Sequence[Key], client: Any) -> int:
        count = 0
        for part in batches(self._far, keys):
            count += await where_keys(self._junction(), self._far, part).delete(client=client)
        return count

    async def clear(self, client: Any) -> int:
        count: int = await self._junction().delete(client=client)
        return count

    def assign(self, rows: Iterable[Any], linked: bool) -> None:
        """Nothing of the related rows has changed."""
