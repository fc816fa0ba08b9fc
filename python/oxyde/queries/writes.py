"""The terminals that write."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Literal, overload

from .. import _core
from .._core import (
    DO_DELETE,
    DO_INSERT,
    DO_SELECT,
    DO_UPDATE,
    MODE_MODELS,
    SINK_AFFECTED,
    SINK_LIST,
    SINK_ONE,
    SINK_ONE_OR_NONE,
    SINK_REFILL,
    InsertState,
    operation,
)
from ..exceptions import FieldError, ManagerError, UniqueViolationError
from ..models._values import prepare_for_write, validate_field
from ._base import TModel, TRow
from ._bulk import Conflict, bulk_insert, bulk_update
from ._fields import field_name, field_names, key_fields, unique_sets
from ._values import checked_values, has_save_hooks, instance_of, related_values
from .expressions import F
from .terminals import ReadQuery


class WriteQuery(ReadQuery[TModel, TRow]):
    """Terminals that change rows."""

    __slots__ = ()

    # --- one row -----------------------------------------------------------------------

    def create(
        self,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        instance: TModel | None = None,
        using: str | None = None,
        client: Any = None,
        **values: Any,
    ) -> Coroutine[Any, Any, TModel]:
        """Inserts one row, from values or from an instance, and returns the instance filled from it."""
        obj = instance_of(self._model, "create", data, instance, values)
        if has_save_hooks(self._model):
            return _create_with_hooks(self._model, obj, using, client)
        return operation(
            DO_INSERT, InsertState(self._model, (obj,)), SINK_REFILL, arg=obj, using=using, client=client
        )

    async def upsert(
        self,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        instance: TModel | None = None,
        unique_fields: Iterable[Any] | None = None,
        update_fields: Iterable[Any] | Mapping[str, Any] | None = None,
        using: str | None = None,
        client: Any = None,
        **values: Any,
    ) -> TModel:
        """Inserts a row, or updates the one that has the same unique fields; returns the resulting row."""
        model = self._model
        obj = instance_of(model, "upsert", data, instance, values)
        given = frozenset(InsertState.groups(model, (obj,), 1)[0][0])
        conflict = conflict_of(model, given, unique_fields, update_fields)
        state = InsertState(
            model, (obj,), conflict=conflict.action, targets=conflict.targets, sets=conflict.sets, refill=True
        )
        if conflict.action == "update":
            return await operation(DO_INSERT, state, SINK_REFILL, arg=obj, using=using, client=client)  # type: ignore[no-any-return]
        return await _insert_or_read(self, obj, conflict, using, client)  # type: ignore[no-any-return]

    async def get_or_create(
        self,
        *,
        defaults: Mapping[str, Any] | None = None,
        using: str | None = None,
        client: Any = None,
        **lookups: Any,
    ) -> tuple[TModel, bool]:
        """The row these lookups find, or a new one from them and `defaults`; and whether it is new."""
        from ..db._resolve import for_write, reading_again, savepoint_if_open

        using = for_write(using, client, self._model)
        query = self._where((), lookups)._with(mode=MODE_MODELS)
        found = await operation(DO_SELECT, query, SINK_ONE_OR_NONE, limit=2, using=using, client=client)
        if found is not None:
            return found, False
        values = {**_plain_lookups(self._model, lookups), **_called(defaults)}
        try:
            async with savepoint_if_open(using, client):
                return await self.create(values, using=using, client=client), True
        except UniqueViolationError:
            query = reading_again(query, using, client)
            found = await operation(DO_SELECT, query, SINK_ONE_OR_NONE, limit=2, using=using, client=client)
            if found is None:
                raise
            return found, False

    async def update_or_create(
        self,
        *,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        using: str | None = None,
        client: Any = None,
        **lookups: Any,
    ) -> tuple[TModel, bool]:
        """Updates the row these lookups find with `defaults`, or creates it; and whether it is new."""
        from ..db._resolve import in_transaction, savepoint_if_open

        query = self._where((), lookups)._with(mode=MODE_MODELS, lock=(1, False, False, ()))
        async with in_transaction(using, client, self._model) as tx:
            found = await operation(DO_SELECT, query, SINK_ONE_OR_NONE, limit=2, client=tx)
            if found is None:
                new = defaults if create_defaults is None else create_defaults
                values = {**_plain_lookups(self._model, lookups), **_called(new)}
                try:
                    async with savepoint_if_open(None, tx):
                        return await self.create(values, client=tx), True
                except UniqueViolationError:
                    found = await operation(DO_SELECT, query, SINK_ONE_OR_NONE, limit=2, client=tx)
                    if found is None:
                        raise
            changes = _called(defaults)
            if changes:
                checked = checked_values(self._model, changes)
                for name, value in {**checked, **related_values(self._model, changes)}.items():
                    setattr(found, name, value)
                await found.save(update_fields=set(changes), client=tx)
            return found, False

    # --- many rows ---------------------------------------------------------------------

    def bulk_create(
        self,
        objects: Iterable[TModel | Mapping[str, Any]],
        *,
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Iterable[Any] | Mapping[str, Any] | None = None,
        unique_fields: Iterable[Any] | None = None,
        using: str | None = None,
        client: Any = None,
    ) -> Coroutine[Any, Any, list[TModel]]:
        """Inserts many rows with few statements; returns the instances in the order given. No hooks."""
        return bulk_insert(
            self._model,
            objects,
            batch_size=batch_size,
            ignore_conflicts=ignore_conflicts,
            update_conflicts=update_conflicts,
            conflict_of=lambda given: conflict_of(self._model, given, unique_fields, update_fields),
            using=using,
            client=client,
        )

    def bulk_update(
        self,
        objects: Iterable[TModel],
        fields: Iterable[Any],
        *,
        batch_size: int | None = None,
        using: str | None = None,
        client: Any = None,
    ) -> Coroutine[Any, Any, int]:
        """Writes the named fields of each object to its row; returns the number of rows. No hooks."""
        return bulk_update(self._model, objects, fields, batch_size=batch_size, using=using, client=client)

    # --- the rows of the query ------------------------------------------------------------

    @overload
    def update(
        self,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        returning: Literal[False] = False,
        using: str | None = None,
        client: Any = None,
        **fields: Any,
    ) -> Coroutine[Any, Any, int]: ...
    @overload
    def update(
        self,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        returning: Literal[True],
        using: str | None = None,
        client: Any = None,
        **fields: Any,
    ) -> Coroutine[Any, Any, list[TModel]]: ...
    @overload
    def update(
        self,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        returning: Iterable[Any],
        using: str | None = None,
        client: Any = None,
        **fields: Any,
    ) -> Coroutine[Any, Any, list[dict[str, Any]]]: ...
    def update(
        self,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        returning: Any = False,
        using: str | None = None,
        client: Any = None,
        **fields: Any,
    ) -> Any:
        """Changes all rows of the query; the number of rows, or the rows with `returning`. No hooks."""
        changes = {**values, **fields} if values else fields
        if not changes:
            raise ValueError("update() needs at least one value")
        self._refuse_groups("update")
        arg = checked_values(self._model, changes)
        return self._change(DO_UPDATE, arg, returning, using, client)

    def increment(
        self, field: Any, by: Any = 1, *, using: str | None = None, client: Any = None
    ) -> Coroutine[Any, Any, int]:
        """Adds `by` to a field of all rows of the query, in the database."""
        self._refuse_groups("increment")
        name = field_name(self._model, field, "increment()")
        return self._change(DO_UPDATE, {name: F(name) + by}, False, using, client)  # type: ignore[no-any-return]

    @overload
    def delete(
        self, *, returning: Literal[False] = False, using: str | None = None, client: Any = None
    ) -> Coroutine[Any, Any, int]: ...
    @overload
    def delete(
        self, *, returning: Literal[True], using: str | None = None, client: Any = None
    ) -> Coroutine[Any, Any, list[TModel]]: ...
    @overload
    def delete(
        self, *, returning: Iterable[Any], using: str | None = None, client: Any = None
    ) -> Coroutine[Any, Any, list[dict[str, Any]]]: ...
    def delete(self, *, returning: Any = False, using: str | None = None, client: Any = None) -> Any:
        """Deletes all rows of the query; the number of rows, or the rows with `returning`. No hooks."""
        self._refuse_groups("delete")
        return self._change(DO_DELETE, None, returning, using, client)

    def _refuse_groups(self, method: str) -> None:
        if self._group_by or self._sets:
            kind = "grouped" if self._group_by else "combined"
            raise ManagerError(f"{method}() cannot be applied to a {kind} query")

    def _change(self, what: int, arg: Any, returning: Any, using: str | None, client: Any) -> Any:
        if returning is False:
            return operation(what, self, SINK_AFFECTED, arg=arg, using=using, client=client, write=True)
        if returning is not True:
            returning = field_names(self._model, returning, "returning")
            if not returning:
                raise ValueError("returning takes True or at least one field")
        return operation(
            what, self, SINK_LIST, arg=arg, returning=returning, using=using, client=client, write=True
        )


def _without_frames() -> None:
    """Plain calls of what writes single rows are the engine's; see `_core.terminal`."""
    for name, what, sink, helper in (
        ("create", DO_INSERT, SINK_REFILL, prepare_for_write),
        ("update", DO_UPDATE, SINK_AFFECTED, validate_field),
    ):
        written = WriteQuery.__dict__[name]
        setattr(WriteQuery, name, _core.terminal(written, what=what, sink=sink, helper=helper))


_without_frames()


# --- helpers ---------------------------------------------------------------------------------


async def _create_with_hooks(model: type, obj: Any, using: str | None, client: Any) -> Any:
    await obj.pre_save(is_create=True, update_fields=None)
    prepare_for_write(model, (obj,))
    await operation(DO_INSERT, InsertState(model, (obj,)), SINK_REFILL, arg=obj, using=using, client=client)
    await obj.post_save(is_create=True, update_fields=None)
    return obj


def _called(values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value() if _is_factory(value) else value for name, value in (values or {}).items()}


def _is_factory(value: Any) -> bool:
    return isinstance(value, Callable) and not isinstance(value, _core.Expr)  # type: ignore[arg-type]


def _plain_lookups(model: Any, lookups: Mapping[str, Any]) -> dict[str, Any]:
    """The lookups that also say what a new row holds; the key of a relation as its ids."""
    values: dict[str, Any] = {}
    for keyword, value in lookups.items():
        name = keyword[: -len("__exact")] if keyword.endswith("__exact") else keyword
        if "__" in name:
            continue
        key = model._db_meta.foreign_keys.get(name)
        if key is None or value is None or isinstance(value, key.target):
            values[name] = value
        else:
            parts = value if isinstance(value, tuple) else (value,)
            values.update(zip(key.ids, parts, strict=True))
    return values


def conflict_of(
    model: Any, given: frozenset[str], unique_fields: Iterable[Any] | None, update_fields: Any
) -> Conflict:
    """Which rows conflict and what becomes of them, by the rules of `upsert`."""
    targets = _conflict_targets(model, given, unique_fields)
    if update_fields is None:
        names = tuple(name for name in given if name not in targets and name not in key_fields(model))
        sets: dict[str, Any] = dict.fromkeys(names)
    elif isinstance(update_fields, Mapping):
        sets = {}
        for field, value in update_fields.items():
            name = field_name(model, field, "update_fields")
            sets[name] = (
                value if isinstance(value, _core.Expr) else checked_values(model, {name: value})[name]
            )
            if sets[name] is None:
                raise ValueError(f"update_fields: set {name!r} to NULL with Value(None)")
    else:
        sets = dict.fromkeys(field_names(model, update_fields, "update_fields"))
    for name in sets:
        if name in targets:
            raise FieldError(f"update_fields cannot change {name!r}, which decides about the conflict")
    return Conflict("update" if sets else "nothing", targets, sets)


def _conflict_targets(
    model: Any, given: frozenset[str], unique_fields: Iterable[Any] | None
) -> tuple[str, ...]:
    possible = unique_sets(model)
    if unique_fields is not None:
        keys = key_fields(model)
        names = list(unique_fields) if not isinstance(unique_fields, str) else unique_fields
        if names == ["pk"]:
            names = list(keys)
        targets = field_names(model, names, "unique_fields")
        if not any(frozenset(targets) == frozenset(group) for group in possible):
            raise ManagerError(
                f"unique_fields {', '.join(targets)}: {model.__name__} has no key, "
                "unique constraint or unique index on them"
            )
        return targets
    keys = key_fields(model)
    if keys and given.issuperset(keys):
        return keys
    fitting = [group for group in possible if group != keys and given.issuperset(group)]
    if len(fitting) != 1:
        why = "several unique constraints fit" if fitting else "no unique constraint fits the given fields"
        raise ManagerError(f"{why}; name them: upsert(..., unique_fields=[...])")
    return fitting[0]


async def _insert_or_read(query: Any, obj: Any, conflict: Conflict, using: str | None, client: Any) -> Any:
    """INSERT ... ON CONFLICT DO NOTHING, then the row that was there before."""
    from ..db._resolve import for_write

    model = query._model
    using = for_write(using, client, model)
    state = InsertState(model, (obj,), conflict="nothing", targets=conflict.targets, refill=False)
    await operation(DO_INSERT, state, SINK_AFFECTED, using=using, client=client)
    base = _core.QueryState.__new__(type(query), model)
    where = {name: getattr(obj, name) for name in conflict.targets}
    return await operation(DO_SELECT, base._where((), where), SINK_ONE, limit=2, using=using, client=client)


__all__ = ["WriteQuery", "conflict_of"]
