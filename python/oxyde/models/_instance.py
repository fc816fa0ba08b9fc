"""What instances know of their row, and the methods that write and read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from types import SimpleNamespace
from typing import Any, Literal, TypeVar

from .. import _core
from ..exceptions import FieldError, ManagerError, NotFoundError, NotLoadedError
from ._settings import unloaded_rule
from ._unknown import near_misses, unknown_field

__all__ = ["delete", "is_loaded", "is_saved", "refresh", "save", "state_of"]

T = TypeVar("T")

_NONE: frozenset[str] = frozenset()

_Slot = Any
_Action = Literal["insert", "update", "ask"]
_read: Callable[[Any], _core.InstanceState]
_write: Callable[[Any, _core.InstanceState], None]


def use_slot(slot: _Slot) -> None:
    """Takes the slot of `Model` that holds the state; an unset slot means: never saved."""
    global _read, _write
    _read, _write = slot.__get__, slot.__set__


# --- state ------------------------------------------------------------------------------


def state_of(instance: Any) -> _core.InstanceState | None:
    """The state of an instance, None for one that is as it was constructed."""
    try:
        return _read(instance)
    except AttributeError:
        return None


def is_saved(instance: Any) -> bool:
    """Whether the instance stands for a stored row."""
    state = state_of(instance)
    return state is not None and state.saved


def is_loaded(instance: Any, name: str) -> bool:
    """Whether a field or relation of the instance holds what the database has.

    So do all of an instance that was never saved, and a foreign key whose id is None.
    """
    if name not in type(instance).__pydantic_fields__:
        raise unknown_field(type(instance), name)
    state = state_of(instance)
    meta = type(instance).__oxyde_meta__
    if meta.is_relation(name):
        if state is None or not state.saved or name in state.relations:
            return True
        key = meta.foreign_keys.get(name)
        known = [i for i in key.ids if state.loaded is None or i in state.loaded] if key is not None else []
        return any(instance.__dict__.get(id_name) is None for id_name in known)
    return state is None or state.loaded is None or name in state.loaded


def value_of_unloaded(instance: Any, name: str) -> Any:
    """What reading a field gives that the query left out."""
    model = type(instance)
    if unloaded_rule(model) == "raise":
        raise NotLoadedError(f'{model.__name__}.{name} is not loaded; call refresh(fields=["{name}"])')
    field = model.__pydantic_fields__[name]
    if field.is_required():
        return None
    return field.get_default(call_default_factory=True, validated_data=instance.__dict__)


def mark_assigned(instance: Any, name: str) -> None:
    """Remembers that a field was assigned: it is validated before it is written."""
    state = state_of(instance)
    validated = type(instance).model_config.get("validate_assignment", False)
    if state is None:
        if not validated:
            _write(instance, _core.InstanceState(False, None, _NONE, frozenset((name,))))
        return
    loaded = state.loaded
    if loaded is not None and name not in loaded:
        loaded = loaded | {name}
    elif validated or name in state.dirty:
        return
    dirty = state.dirty if validated else state.dirty | {name}
    _write(instance, _core.InstanceState(state.saved, loaded, state.relations, dirty))


def forget_assigned(instance: Any) -> None:
    """The assigned fields were validated."""
    state = state_of(instance)
    if state is not None and state.dirty:
        _write(instance, _core.InstanceState(state.saved, state.loaded, state.relations, _NONE))


def _set_saved(instance: Any, saved: bool) -> None:
    state = state_of(instance)
    loaded = None if state is None else state.loaded
    relations = _NONE if state is None else state.relations
    _write(instance, _core.InstanceState(saved, loaded, relations, _NONE))


def with_state_of(copied: T, original: Any) -> T:
    """The copy, knowing of its row what the original knows."""
    state = state_of(original)
    if state is not None:
        _write(copied, state)
    return copied


def dump_state(instance: Any) -> tuple[Any, ...] | None:
    """The state in a form that can be pickled."""
    state = state_of(instance)
    return None if state is None else (state.saved, state.loaded, state.relations, state.dirty)


def load_state(instance: Any, dumped: tuple[Any, ...] | None) -> None:
    """The opposite of `dump_state`."""
    if dumped is not None:
        _write(instance, _core.InstanceState(*dumped))


# --- keys -------------------------------------------------------------------------------


def _key_of(instance: Any) -> dict[str, Any]:
    return {name: instance.__dict__.get(name) for name in type(instance)._db_meta.pk_fields}


def _describe(instance: Any, key: dict[str, Any]) -> str:
    shown = ", ".join(f"{name}={value!r}" for name, value in key.items())
    return f"{type(instance).__name__} with {shown}"


def _required_key(instance: Any, method: str) -> dict[str, Any]:
    key = _key_of(instance)
    if not key or _is_partial(key):
        raise ManagerError(f"{method}() requires the instance to have a primary key value")
    return key


def _is_partial(key: dict[str, Any]) -> bool:
    return any(value is None for value in key.values())


@cache
def _later() -> Any:
    """What is defined after this module. An import in a function that runs for each row costs more
    than the text of its statement.
    """
    from ..queries.query import Query
    from . import _in_step, _values
    from .base import Model

    return SimpleNamespace(
        query=Query,
        before_write=_in_step.before_write,
        drop_stale=_in_step.drop_stale,
        prepare_for_write=_values.prepare_for_write,
        pre_save=Model.pre_save,
        post_save=Model.post_save,
        pre_delete=Model.pre_delete,
        post_delete=Model.post_delete,
    )


def _row_query(model: Any, key: dict[str, Any]) -> Any:
    return _later().query(model)._where((), key)


# --- save -------------------------------------------------------------------------------


def _plan(model: Any) -> Any:
    """The engine's plan; raises for models that are no tables or not finished."""
    return model.__oxyde_plan__


def _decide(instance: Any, force_insert: bool, force_update: bool) -> _Action:
    """What save() does, by the table of the contract; "ask": whether the row exists decides."""
    if force_insert and force_update:
        raise ValueError("save() takes force_insert or force_update, not both")
    key = _key_of(instance)
    saved = is_saved(instance)
    if force_insert or (not key and not saved and not force_update):
        return "insert"
    if not key:
        raise ManagerError(f"{type(instance).__name__} has no primary key: a saved row cannot be found again")
    if force_update:
        _required_key(instance, "save")
        return "update"
    if _is_partial(key):
        return "insert"
    return "update" if saved else _decide_by_key(instance, key)


def _decide_by_key(instance: Any, key: dict[str, Any]) -> _Action:
    """The same for an instance that has a key and was never saved."""
    from ._plan import is_generated

    if not key.keys() <= instance.model_fields_set:
        return "insert"  # its key is a default: nobody can mean a stored row
    generated = any(is_generated(type(instance), name) for name in key)
    return "update" if generated else "ask"


def _update_names(instance: Any, update_fields: set[str] | None) -> list[str]:
    """The fields an UPDATE writes: the named ones, or all that are loaded; never the key."""
    model = type(instance)
    meta = model._db_meta
    state = state_of(instance)
    if update_fields is None:
        loaded = None if state is None else state.loaded
        names = [n for n in meta.columns if loaded is None or n in loaded]
    else:
        unknown = [n for n in update_fields if n not in meta.field_metadata]
        if unknown:
            hints = "".join(near_misses(n, meta.field_metadata) for n in unknown[:1])
            listed = ", ".join(sorted(map(str, unknown)))
            raise FieldError(f"Invalid update_fields for {model.__name__}: {listed}{hints}")
        wanted = _columns_named(model, update_fields, "update_fields")
        names = [n for n in meta.columns if n in wanted]
    keys = set(meta.pk_fields)
    return [n for n in names if n not in keys]


def _columns_named(model: Any, names: Iterable[str], where: str) -> set[str]:
    """Fields with columns; a foreign key stands for its id fields."""
    meta = model._db_meta
    found: set[str] = set()
    for name in names:
        if name not in meta.field_metadata:
            raise unknown_field(model, name, meta.field_metadata)
        if name in meta.relations:
            raise FieldError(
                f"{where}: {model.__name__}.{name} is a virtual relation field and has no column"
            )
        found.update(meta.fields_of(name))
    return found


def _name_set(update_fields: Iterable[str] | None) -> set[str] | None:
    if update_fields is None:
        return None
    if isinstance(update_fields, str):
        raise TypeError("update_fields takes a collection of names, not a string")
    names = {_core_name(name) for name in update_fields}
    return names


def _core_name(name: Any) -> str:
    """A name given as a string or as a column expression."""
    from ..queries.expressions import name_of

    return str(name_of(name))


async def save(
    instance: Any,
    *,
    update_fields: Iterable[str] | None,
    force_insert: bool,
    force_update: bool,
    client: Any,
    using: str | None,
) -> None:
    """`Model.save`."""
    _plan(type(instance))
    _later().before_write(instance)  # the key may be that of a related instance
    action = _decide(instance, force_insert, force_update)
    wanted = _name_set(update_fields)
    if action == "ask":
        from ..db._resolve import in_transaction

        async with in_transaction(using, client, type(instance)) as tx:
            known = await _row_query(type(instance), _key_of(instance)).exists(client=tx)
            await _write_row(instance, "update" if known else "insert", wanted, tx, None)
        return
    await _write_row(instance, action, wanted, client, using)


async def _write_row(
    instance: Any, action: _Action, update_fields: set[str] | None, client: Any, using: str | None
) -> None:
    is_create = action == "insert"
    names: list[str] = []
    if not is_create and update_fields is not None:
        names = _update_names(instance, update_fields)  # wrong names are told before the hook runs
    model, later = type(instance), _later()
    if model.pre_save is not later.pre_save:
        await instance.pre_save(is_create=is_create, update_fields=update_fields)
    later.prepare_for_write(model, (instance,))
    if is_create:
        await _core.operation(
            _core.DO_INSERT,
            _core.InsertState(model, (instance,)),
            _core.SINK_REFILL,
            arg=instance,
            client=client,
            using=using,
        )
    else:
        if update_fields is None:
            names = _update_names(instance, None)
        if names:
            await _update_row(instance, names, client, using)
    _set_saved(instance, True)
    if model.post_save is not later.post_save:
        await instance.post_save(is_create=is_create, update_fields=update_fields)


async def _update_row(instance: Any, names: list[str], client: Any, using: str | None) -> None:
    model = type(instance)
    key = _required_key(instance, "save")
    row = await _core.operation(
        _core.DO_UPDATE,
        _row_query(model, key),
        _core.SINK_FIRST,
        arg={name: instance.__dict__.get(name) for name in names},
        returning=True,
        client=client,
        using=using,
        write=True,
    )
    if row is None:
        raise NotFoundError(f"{_describe(instance, key)} not found")
    state = state_of(instance)
    loaded = None if state is None else state.loaded
    _refill(instance, row, [n for n in model._db_meta.columns if loaded is None or n in loaded])
    _later().drop_stale(instance)


def _refill(instance: Any, row: Any, names: Iterable[str]) -> None:
    """Takes fields over from a row that was just read; past frozen, and already validated."""
    for name in names:
        _core.write_attribute(instance, name, row.__dict__[name])


# --- delete and refresh -------------------------------------------------------------------


async def delete(instance: Any, *, client: Any, using: str | None) -> int:
    """`Model.delete`."""
    model, later = type(instance), _later()
    _plan(model)
    key = _required_key(instance, "delete")
    if model.pre_delete is not later.pre_delete:
        await instance.pre_delete()
    affected: int = await _core.operation(
        _core.DO_DELETE,
        _row_query(model, key),
        _core.SINK_AFFECTED,
        client=client,
        using=using,
        write=True,
    )
    _set_saved(instance, False)
    if model.post_delete is not later.post_delete:
        await instance.post_delete()
    return affected


async def refresh(instance: Any, fields: Iterable[str] | None, *, client: Any, using: str | None) -> None:
    """`Model.refresh`."""
    model = type(instance)
    _plan(model)
    key = _required_key(instance, "refresh")
    meta = model._db_meta
    names = list(meta.columns)
    query = _row_query(model, key)
    if fields is not None:
        wanted = _columns_named(model, _name_set(fields) or (), "refresh()")
        names = [n for n in names if n in wanted]
        if not names:
            return
        query = query.only(*names)
    row = await query.get_or_none(client=client, using=using)
    if row is None:
        raise NotFoundError(f"{_describe(instance, key)} not found")
    state = state_of(instance)
    _refill(instance, row, names)
    loaded = None if fields is None or state is None or state.loaded is None else state.loaded | set(names)
    relations = _NONE if state is None else state.relations
    dirty = _NONE if fields is None or state is None else state.dirty - set(names)
    _write(instance, _core.InstanceState(True, loaded, relations, dirty))
    _later().drop_stale(instance)
