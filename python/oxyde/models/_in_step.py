"""Relations and id fields of an instance: assigned, written and read again in step.

A related instance that is assigned sets the id; another id makes the relation unloaded. Which
relations hold what the database has is part of the instance's state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .. import _core
from ..exceptions import ManagerError, NotLoadedError
from . import _instance
from ._foreign_keys import target_of
from ._settings import unloaded_rule
from .metadata import ForeignKey, ModelMeta

__all__ = [
    "assign",
    "before_write",
    "copied_with",
    "drop_stale",
    "key_of_related",
    "unloaded_relation",
]

_MISSING = object()


def _meta(instance: Any) -> ModelMeta:
    meta: ModelMeta = type(instance).__oxyde_meta__
    return meta


def key_of_related(key: ForeignKey, related: Any) -> tuple[Any, ...]:
    """What the id fields hold for a related instance, or for none."""
    if related is None:
        return (None,) * len(key.ids)
    return tuple(related.__dict__.get(reference) for reference in key.references)


def _ids(instance: Any, key: ForeignKey) -> tuple[Any, ...]:
    return tuple(instance.__dict__.get(name) for name in key.ids)


# --- reading ----------------------------------------------------------------------------------


def unloaded_relation(instance: Any, name: str) -> Any:
    """What reading a relation gives that the instance does not hold."""
    model = type(instance)
    field = model.__pydantic_fields__[name]
    many = target_of(field)[1]
    if not _instance.is_loaded(instance, name) and unloaded_rule(model) == "raise":
        ways = f'.prefetch("{name}")' if many else f'.join("{name}") or .prefetch("{name}")'
        raise NotLoadedError(f"{model.__name__}.{name} is not loaded; add {ways}")
    if field.default_factory is None:
        return None
    # A list that is read must be the same one the next time.
    return instance.__dict__.setdefault(name, [])


def _unload(instance: Any, name: str) -> None:
    if _instance.is_saved(instance) and unloaded_rule(type(instance)) == "raise":
        instance.__dict__.pop(name, None)
    else:
        instance.__dict__[name] = None


# --- assignment ------------------------------------------------------------------------------


def assign(instance: Any, name: str, value: Any, write: Callable[[str, Any], None]) -> None:
    """Assigns a relation or an id; `write` is the assignment as Pydantic does it."""
    meta = _meta(instance)
    key = meta.foreign_keys.get(name)
    if key is not None:
        _assign_related(instance, key, value, write)
    elif meta.linked[name]:
        _assign_id(instance, name, value, write)
    else:
        write(name, value)
        _mark(instance, loaded=(name,))


def _assign_related(instance: Any, key: ForeignKey, value: Any, write: Callable[[str, Any], None]) -> None:
    if value is not None and not isinstance(value, key.target):
        from ._values import validate_field

        value = validate_field(type(instance), key.name, value)
    before = {name: instance.__dict__.get(name, _MISSING) for name in key.ids}
    # First the ids: where assignment is validated, validators of the model see both.
    instance.__dict__.update(zip(key.ids, key_of_related(key, value), strict=True))
    try:
        write(key.name, value)
    except BaseException:
        _restore(instance, before)
        raise
    instance.__pydantic_fields_set__.update(key.ids)
    for other in _sharing(instance, key.ids):
        if other is not key:
            _unload_if_stale(instance, other)
    _mark(instance, loaded=(key.name,), assigned=(key.name, *key.ids))


def _assign_id(instance: Any, name: str, value: Any, write: Callable[[str, Any], None]) -> None:
    keys = _sharing(instance, (name,))
    before = {key.name: instance.__dict__.get(key.name, _MISSING) for key in keys}
    for key in keys:
        related = instance.__dict__.get(key.name)
        if related is not None and related.__dict__.get(key.references[key.ids.index(name)]) != value:
            instance.__dict__[key.name] = None  # so that validating the assignment sees no contradiction
    try:
        write(name, value)
    except BaseException:
        _restore(instance, before)
        raise
    _mark(instance, assigned=(name,))
    for key in keys:
        if before[key.name] is not instance.__dict__.get(key.name, _MISSING) or before[key.name] is None:
            _forget(instance, key.name)


def _restore(instance: Any, before: Mapping[str, Any]) -> None:
    for name, value in before.items():
        if value is _MISSING:
            instance.__dict__.pop(name, None)
        else:
            instance.__dict__[name] = value


def _sharing(instance: Any, ids: Iterable[str]) -> list[ForeignKey]:
    """The foreign keys that one of these fields is part of."""
    meta = _meta(instance)
    names = dict.fromkeys(name for id_name in ids for name in meta.linked[id_name])
    return [meta.foreign_keys[name] for name in names]


def _unload_if_stale(instance: Any, key: ForeignKey) -> None:
    related = instance.__dict__.get(key.name)
    if related is None or key_of_related(key, related) != _ids(instance, key):
        _forget(instance, key.name)


def _forget(instance: Any, name: str) -> None:
    """The relation is not loaded any more."""
    _unload(instance, name)
    state = _instance.state_of(instance)
    if state is not None and name in state.relations:
        _instance._write(
            instance,
            _core.InstanceState(state.saved, state.loaded, state.relations - {name}, state.dirty),
        )


def _mark(instance: Any, *, loaded: Iterable[str] = (), assigned: Iterable[str] = ()) -> None:
    """Remembers relations as loaded, and fields as assigned: those are validated before they are written."""
    state = _instance.state_of(instance) or _core.InstanceState(False)
    columns = _meta(instance).columns
    fields = state.loaded
    if fields is not None:
        fields = fields | {name for name in assigned if name in columns}
    dirty = state.dirty
    if not type(instance).model_config.get("validate_assignment", False):
        dirty = dirty | set(assigned)
    relations = state.relations | set(loaded)
    _instance._write(instance, _core.InstanceState(state.saved, fields, relations, dirty))


def copied_with(copied: Any, update: Mapping[str, Any]) -> None:
    """After `model_copy(update=...)`: what was given decides about what belongs to it."""
    meta = _meta(copied)
    for name in update:
        key = meta.foreign_keys.get(name)
        if key is not None:
            given = dict(zip(key.ids, key_of_related(key, update[name]), strict=True))
            ids = {id_name: value for id_name, value in given.items() if id_name not in update}
            copied.__dict__.update(ids)
            copied.__pydantic_fields_set__.update(ids)
            _mark(copied, loaded=(name,), assigned=(name, *key.ids))
        elif name in meta.linked and not meta.linked[name]:
            _mark(copied, loaded=(name,))
        elif name in meta.linked:
            for other in _sharing(copied, (name,)):
                if other.name not in update:
                    _unload_if_stale(copied, other)


# --- writing and reading rows --------------------------------------------------------------------


def before_write(instance: Any) -> None:
    """Reads the keys of related instances that had none when they were assigned.

    Also says which relations of a new instance are loaded: those it holds.
    """
    meta = _meta(instance)
    if not meta.linked:
        return
    for key in meta.foreign_keys.values():
        related = instance.__dict__.get(key.name)
        if related is not None:
            _read_key(instance, key, related)
    if not _instance.is_saved(instance):
        _settle(instance, meta)


def _read_key(instance: Any, key: ForeignKey, related: Any) -> None:
    given = instance.__pydantic_fields_set__
    for name, reference in zip(key.ids, key.references, strict=True):
        value = instance.__dict__.get(name)
        if value is None:
            value = related.__dict__.get(reference)
            if value is None:
                raise ManagerError(
                    f"{type(instance).__name__}.{key.name} is a {type(related).__name__} "
                    f"without {reference}; save it first"
                )
        elif name in given:
            continue
        _core.write_attribute(instance, name, value)


def _settle(instance: Any, meta: ModelMeta) -> None:
    """The state of relations that a new instance has once it is saved."""
    held = {name for name in meta.relation_fields if instance.__dict__.get(name)}
    state = _instance.state_of(instance) or _core.InstanceState(False)
    if held != state.relations:
        _instance._write(
            instance, _core.InstanceState(state.saved, state.loaded, frozenset(held), state.dirty)
        )
    if unloaded_rule(type(instance)) == "raise":
        for name in meta.relation_fields:
            key = meta.foreign_keys.get(name)
            if name not in held and (key is None or None not in _ids(instance, key)):
                instance.__dict__.pop(name, None)


def drop_stale(instance: Any) -> None:
    """After fields were read again: relations whose id has changed are not loaded any more."""
    for key in _meta(instance).foreign_keys.values():
        related = instance.__dict__.get(key.name)
        if related is not None and key_of_related(key, related) != _ids(instance, key):
            _forget(instance, key.name)
