"""`related()`: the rows at the other end of a relation, and the links to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import _core
from ..exceptions import FieldLookupError, ManagerError
from ..queries._base import TModel
from ..queries.expressions import name_of
from ..queries.manager import QueryManager
from ._instance import is_saved, state_of
from ._links import Key, Links, links_of
from ._relations import relation_of
from ._unknown import near_misses
from ._values import validate_field

__all__ = ["RelatedManager", "related"]


def related(instance: Any, name: Any) -> RelatedManager[Any]:
    """The related rows of a saved instance, to query and to change.

    For reverse and many-to-many relations: `related(truck, "crew").filter(...)`,
    `await related(truck, "crew").add(ana, 7)`.
    """
    path = name_of(name)
    model: Any = type(instance)
    if not hasattr(model, "_db_meta") or not model._db_meta.is_table:
        raise TypeError(f"related() takes an instance of a table model, not of {model.__name__}")
    spec = relation_of(model, path)
    if spec is None or spec.kind == _core.REL_FORWARD:
        meta = model._db_meta
        if spec is not None:
            raise FieldLookupError(
                f"related() takes reverse and many-to-many relations; {model.__name__}.{path} is a foreign "
                "key: assign it and save()"
            )
        near = near_misses(str(path), meta.relation_fields)
        raise FieldLookupError(f"{model.__name__} has no relation {path!r}{near}")
    if not is_saved(instance):
        raise ManagerError(f"related() takes a saved instance: save() the {model.__name__} first")
    make: Any = RelatedManager  # checkers take it for a query, which is made of a model
    manager: RelatedManager[Any] = make(instance, path, spec.target, links_of(instance, path, spec))
    return manager


class RelatedManager(QueryManager[TModel]):
    """The related rows of one instance: every builder and terminal of a query, and the links.

    Each method that changes something is one transaction. A relation that is loaded on the
    instance is brought up to date.
    """

    def __init__(self, instance: Any, name: str, target: Any, links: Links) -> None:
        self.model_class = target
        self._instance = instance
        self._name = name
        self._target = target
        self._links = links

    def get_query(self) -> Any:
        """The base of every query through this manager: the related rows."""
        return self._links.rows()

    def __repr__(self) -> str:
        return f"<RelatedManager of {type(self._instance).__name__}.{self._name}>"

    # --- links ---------------------------------------------------------------------------

    async def add(
        self,
        *objs: Any,
        through_defaults: Mapping[str, Any] | None = None,
        using: str | None = None,
        client: Any = None,
    ) -> int:
        """Links objects or keys that are not linked yet; how many that were."""
        chosen = self._chosen("add", objs)
        if not chosen:
            return 0
        async with self._transaction(using, client) as tx:
            count = await self._links.add(list(chosen), through_defaults, tx)
            shown = await self._shown(chosen, tx)
        self._links.assign(_given(chosen), True)
        self._show(shown)
        return count

    async def remove(self, *objs: Any, using: str | None = None, client: Any = None) -> int:
        """Ends the links to these objects or keys; how many there were."""
        chosen = self._chosen("remove", objs)
        if not chosen:
            return 0
        async with self._transaction(using, client) as tx:
            count = await self._links.remove(list(chosen), tx)
        self._links.assign(_given(chosen), False)
        self._hide(chosen)
        return count

    async def set(
        self,
        objs: Iterable[Any],
        *,
        through_defaults: Mapping[str, Any] | None = None,
        using: str | None = None,
        client: Any = None,
    ) -> None:
        """Adds the missing links, ends the surplus ones, leaves the rest."""
        if isinstance(objs, (str, bytes, Mapping)) or not isinstance(objs, Iterable):
            raise TypeError(f"set() takes a list of objects and keys, not {type(objs).__name__}")
        chosen = self._chosen("set", objs)
        async with self._transaction(using, client) as tx:
            there = dict.fromkeys(await self._links.linked(tx))
            surplus = [key for key in there if key not in chosen]
            if surplus:
                await self._links.remove(surplus, tx)
            missing = [key for key in chosen if key not in there]
            if missing or through_defaults is not None:
                await self._links.add(missing, through_defaults, tx)
            shown = await self._shown(chosen, tx)
        self._links.assign(_given(chosen), True)
        self._hide(surplus)
        self._show(shown)

    async def clear(self, *, using: str | None = None, client: Any = None) -> int:
        """Ends all links; how many there were."""
        async with self._transaction(using, client) as tx:
            count = await self._links.clear(tx)
        rows = self._loaded()
        if rows is not None:
            self._links.assign(rows, False)
            self._replace([])
        return count

    # --- new rows ----------------------------------------------------------------------------

    async def create(
        self,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        through_defaults: Mapping[str, Any] | None = None,
        using: str | None = None,
        client: Any = None,
        **values: Any,
    ) -> TModel:
        """Creates a related row and links it."""
        given = {**(data or {}), **values, **self._links.values()}
        async with self._transaction(using, client) as tx:
            row: TModel = await self._base().create(given, client=tx)
            await self._link((row,), through_defaults, tx)
        self._show([row])
        return row

    async def bulk_create(
        self,
        objects: Iterable[TModel | Mapping[str, Any]],
        *,
        through_defaults: Mapping[str, Any] | None = None,
        using: str | None = None,
        client: Any = None,
        **options: Any,
    ) -> list[TModel]:
        """Creates related rows and links them."""
        objects = [dict(item) if isinstance(item, Mapping) else item for item in objects]
        for item in objects:
            if isinstance(item, dict):
                item.update(self._links.values())
            else:
                self._links.assign((item,), True)
        async with self._transaction(using, client) as tx:
            rows: list[TModel] = await self._base().bulk_create(objects, client=tx, **options)
            await self._link(rows, through_defaults, tx)
        self._show(rows)
        return rows

    async def get_or_create(
        self,
        *,
        defaults: Mapping[str, Any] | None = None,
        using: str | None = None,
        client: Any = None,
        **lookups: Any,
    ) -> tuple[TModel, bool]:
        """The related row these lookups find, or a new one that is linked; and whether it is new."""
        defaults = {**(defaults or {}), **self._links.values()}
        async with self._transaction(using, client) as tx:
            row, created = await self.get_query().get_or_create(defaults=defaults, client=tx, **lookups)
            if created:
                await self._link((row,), None, tx)
        if created:
            self._show([row])
        return row, created

    async def update_or_create(
        self,
        *,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        using: str | None = None,
        client: Any = None,
        **lookups: Any,
    ) -> tuple[TModel, bool]:
        """Updates the related row these lookups find, or creates and links one; and whether it is new."""
        new = {**((defaults if create_defaults is None else create_defaults) or {}), **self._links.values()}
        async with self._transaction(using, client) as tx:
            row, created = await self.get_query().update_or_create(
                defaults=defaults, create_defaults=new, client=tx, **lookups
            )
            if created:
                await self._link((row,), None, tx)
        if created:
            self._show([row])
        return row, created

    async def upsert(
        self,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        instance: TModel | None = None,
        unique_fields: Iterable[Any] | None = None,
        update_fields: Iterable[Any] | Mapping[str, Any] | None = None,
        through_defaults: Mapping[str, Any] | None = None,
        using: str | None = None,
        client: Any = None,
        **values: Any,
    ) -> TModel:
        """Inserts a row, or updates the one that has the same unique fields; either is linked."""
        given = {**(data or {}), **values}
        if instance is None:
            given.update(self._links.values())
        else:
            self._links.assign((instance,), True)
        async with self._transaction(using, client) as tx:
            row: TModel = await self._base().upsert(
                given or None,
                instance=instance,
                unique_fields=unique_fields,
                update_fields=update_fields,
                client=tx,
            )
            # An existing row keeps its foreign key where update_fields does not name it.
            if any(row.__dict__.get(name) != value for name, value in self._links.values().items()):
                await self._links.add([self._key_of("upsert", row)], None, tx)
                self._links.assign((row,), True)
            await self._link((row,), through_defaults, tx)
        self._show([row])
        return row

    def _base(self) -> Any:
        from ..queries.query import Query

        return Query(self._target)

    async def _link(self, rows: Iterable[Any], defaults: Mapping[str, Any] | None, tx: Any) -> None:
        if not self._links.values() or defaults is not None:
            keys = [self._key_of("create", row) for row in rows]
            await self._links.add(keys, defaults, tx)

    # --- arguments -------------------------------------------------------------------------------

    def _chosen(self, method: str, objs: Iterable[Any]) -> dict[Key, Any]:
        """The arguments by key: instances, or None where only the key is given."""
        chosen: dict[Key, Any] = {}
        for obj in objs:
            is_row = isinstance(obj, self._target)
            key = self._key_of(method, obj) if is_row else self._key_from(method, obj)
            chosen[key] = obj if is_row else chosen.get(key)
        return chosen

    def _key_of(self, method: str, row: Any) -> Key:
        key = tuple(row.__dict__.get(name) for name in self._links.fields)
        if not is_saved(row) or any(part is None for part in key):
            raise ManagerError(
                f"{method}() of {type(self._instance).__name__}.{self._name} takes saved objects: "
                f"save() the {self._target.__name__} first"
            )
        return key

    def _key_from(self, method: str, value: Any) -> Key:
        fields, target = self._links.fields, self._target
        if hasattr(type(value), "_db_meta") or value is None:
            shown = "None" if value is None else f"a {type(value).__name__}"
            raise TypeError(f"{method}() takes {target.__name__} objects and their keys, not {shown}")
        parts = value if isinstance(value, (tuple, list)) and len(fields) > 1 else (value,)
        if len(parts) != len(fields):
            raise TypeError(f"{method}(): a key of {target.__name__} is a tuple of {', '.join(fields)}")
        return tuple(validate_field(target, name, part) for name, part in zip(fields, parts, strict=True))

    # --- the loaded relation ------------------------------------------------------------------------

    def _loaded(self) -> list[Any] | None:
        """The related instances that the instance holds, or None if they were not loaded."""
        state = state_of(self._instance)
        if state is None or self._name not in state.relations:
            return None
        held = self._instance.__dict__[self._name]
        return held if isinstance(held, list) else [] if held is None else [held]

    def _replace(self, rows: list[Any]) -> None:
        held = self._instance.__dict__[self._name]
        if isinstance(held, list):
            held[:] = rows
        else:
            _core.write_attribute(self._instance, self._name, rows[-1] if rows else None)

    async def _shown(self, chosen: Mapping[Key, Any], client: Any) -> list[Any]:
        """The chosen rows as instances; those given by key are read if the relation is loaded."""
        if self._loaded() is None:
            return []
        from ..queries._keys import batches, where_keys

        rows = dict(chosen)
        unknown = [key for key, row in chosen.items() if row is None]
        for part in batches(self._links.fields, unknown):
            for row in await where_keys(self._base(), self._links.fields, part).all(client=client):
                rows[tuple(row.__dict__[name] for name in self._links.fields)] = row
        return [row for row in rows.values() if row is not None]

    def _show(self, rows: Iterable[Any]) -> None:
        """Appends what the loaded relation does not hold yet."""
        held = self._loaded()
        if held is None:
            return
        known = {self._held_key(row) for row in held}
        self._replace([*held, *(row for row in rows if self._held_key(row) not in known)])

    def _hide(self, keys: Iterable[Key]) -> None:
        """Takes out of the loaded relation what is no longer linked."""
        held, gone = self._loaded(), set(keys)
        if held is not None and gone:
            self._links.assign((row for row in held if self._held_key(row) in gone), False)
            self._replace([row for row in held if self._held_key(row) not in gone])

    def _held_key(self, row: Any) -> Key:
        return tuple(row.__dict__.get(name) for name in self._links.fields)

    def _transaction(self, using: str | None, client: Any) -> Any:
        from ..db._resolve import in_transaction

        return in_transaction(using, client, self._target)


def _given(chosen: Mapping[Key, Any]) -> list[Any]:
    return [row for row in chosen.values() if row is not None]
