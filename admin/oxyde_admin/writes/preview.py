"""What a deletion would take with it: counted before anybody confirms it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from oxyde import Query
from oxyde.models import iter_tables

from ..rows.among import among

if TYPE_CHECKING:
    from ..security.rights import Rights

__all__ = ["preview"]

_EFFECTS = {"CASCADE": "delete", "SET NULL": "set_null", "SET DEFAULT": "set_null"}
_BATCH = 1_000


async def preview(rights: Rights, query: Any) -> dict[str, dict[str, int]]:
    """How many records, by model, go with those of the query, lose a reference, or forbid it.

    Records that do not exist for the user are followed, since what hangs on them may, but not
    counted. Counts end at the panel's `count_limit`; what would be reached through more rows than that is
    counted through the first of them.
    """
    tree = _Tree(rights)
    await tree.start(query)
    await tree.follow()
    return {name: dict(counts) for name, counts in tree.counts.items()}


class _Tree:
    """The rows that go, followed along references from model to model."""

    def __init__(self, rights: Rights) -> None:
        self._rights = rights
        self._limit = rights.site.settings.count_limit
        # Foreign keys do not leave a database: what refers to these rows is where they are.
        self._on = rights.resource.on()
        self._gone: dict[type[Any], set[tuple[Any, ...]]] = {}
        self._todo: list[tuple[type[Any], list[tuple[Any, ...]]]] = []
        self.counts: dict[str, Counter[str]] = {
            "delete": Counter(),
            "set_null": Counter(),
            "protected": Counter(),
        }

    async def start(self, query: Any) -> None:
        resource = self._rights.resource
        rows = query.order_by().values_list(*resource.keys).limit(self._limit)
        await self._count("delete", resource.model, await rows.all(**self._on))

    async def follow(self) -> None:
        while self._todo:
            model, keys = self._todo.pop()
            for child, key in _references(model):
                effect = _EFFECTS.get(key.on_delete, "protected")
                for start in range(0, len(keys), _BATCH):
                    await self._referring(effect, model, keys[start : start + _BATCH], child, key)

    async def _referring(
        self, effect: str, model: Any, keys: list[tuple[Any, ...]], child: Any, key: Any
    ) -> None:
        """The rows of `child` that refer to the rows of these keys."""
        names = model._db_meta.pk_fields
        values = keys
        if key.references != names:
            found = among(Query(model), names, keys).values_list(*key.references)
            values = [row for row in await found.all(**self._on) if None not in row]
        if not values:
            return
        child_keys = child._db_meta.pk_fields
        if not child_keys:  # nothing can refer to its rows
            await self._told(effect, child, key.ids, values)
            return
        rows = among(Query(child), key.ids, values).limit(self._limit).values_list(*child_keys)
        await self._count(effect, child, await rows.all(**self._on))

    async def _count(self, effect: str, model: Any, rows: list[Any]) -> None:
        keys = [tuple(row) for row in rows]
        if effect == "delete":
            known = self._gone.setdefault(model, set())
            keys = [key for key in keys if key not in known][: max(0, self._limit - len(known))]
            known.update(keys)
            if keys:
                self._todo.append((model, keys))
        await self._told(effect, model, model._db_meta.pk_fields, keys)

    async def _told(
        self, effect: str, model: type[Any], names: Sequence[str], values: list[tuple[Any, ...]]
    ) -> None:
        """Counts the rows of these values that exist for the user."""
        rights = self._rights.of(model)
        if rights is None or not await rights.allows("view"):
            return
        base, counts = await rights.rows(), self.counts[effect]
        for start in range(0, len(values), _BATCH):
            query = among(base, names, values[start : start + _BATCH]).order_by()
            count = await query.limit(self._limit).count(**self._on)
            if count:
                slug = rights.resource.slug
                counts[slug] = min(self._limit, counts[slug] + count)


def _references(model: type[Any]) -> Iterator[tuple[type[Any], Any]]:
    """The foreign keys of all models that point at this one."""
    for child in iter_tables():
        for key in child._db_meta.foreign_keys.values():
            if key.target is model:
                yield child, key
