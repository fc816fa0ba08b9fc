"""Relations resolved: from the name of an attribute to the model and fields at its other end."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from .. import _core
from ..exceptions import FieldLookupError
from ._foreign_keys import is_table, target_of
from ._unknown import near_misses
from .field import OxydeFieldInfo
from .metadata import ForeignKey, ModelMeta, RelationInfo
from .registry import key_of, resolve_table

__all__ = ["RelationSpec", "relation_infos", "relation_of"]

_Pairs = tuple[tuple[str, str], ...]


class RelationSpec(NamedTuple):
    """What the engine knows of one relation. Read by `_core.Plan`, attribute by attribute.

    kind: `_core.REL_FORWARD`, `REL_REVERSE_ONE`, `REL_REVERSE_MANY` or `REL_MANY`.
    near: pairs of field names with equal values, of this model and of `target`; for `REL_MANY` of
    this model and of `through`. far: `REL_MANY` only: pairs of fields of `through` and `target`.
    nullable: a foreign key whose id may be NULL.
    """

    kind: int
    target: type[Any]
    near: _Pairs
    through: type[Any] | None = None
    far: _Pairs = ()
    nullable: bool = True


def relation_of(model: Any, name: str) -> RelationSpec | None:
    """The relation of that name, or None if the model has no such relation.

    Its other end is looked up on first use: `FieldLookupError` says what is missing or ambiguous.
    """
    meta = _finished(model)
    spec = meta.resolved.get(name)
    if spec is None and name in meta.relation_fields:
        spec = meta.resolved[name] = _resolve(model, meta, name)
    return spec


def _finished(model: Any) -> ModelMeta:
    meta: ModelMeta = model._db_meta
    if not meta.finished:
        from ._plan import plan_of

        plan_of(model)
    return meta


def _resolve(model: Any, meta: ModelMeta, name: str) -> RelationSpec:
    key = meta.foreign_keys.get(name)
    if key is not None:
        near = tuple(zip(key.ids, key.references, strict=True))
        nullable = meta.field_metadata[name].nullable
        return RelationSpec(_core.REL_FORWARD, key.target, near, nullable=nullable)
    field: OxydeFieldInfo = model.__pydantic_fields__[name]
    target, many = target_of(field)
    if target is None:
        raise FieldLookupError(
            f"{model.__name__}.{name} is a bare list and cannot be loaded; annotate it with list[...]"
        )
    if not is_table(target):
        raise FieldLookupError(f"{model.__name__}.{name}: {target!r} is no table model")
    return _many(model, name, field, target) if field.db_m2m else _reverse(model, name, field, target, many)


# --- the other side of a foreign key -----------------------------------------------------------


def _reverse(model: Any, name: str, field: OxydeFieldInfo, target: Any, many: bool) -> RelationSpec:
    remote = str(field.db_reverse_fk)
    near = _remote_pairs(model, name, target, remote)
    if many:
        return RelationSpec(_core.REL_REVERSE_MANY, target, near)
    if not _unique(target, tuple(there for _, there in near)):
        raise FieldLookupError(
            f"{model.__name__}.{name} is one {target.__name__}, but {target.__name__}.{remote} is not "
            f"unique; annotate it with list[{target.__name__}], or give {remote} db_unique=True"
        )
    return RelationSpec(_core.REL_REVERSE_ONE, target, near)


def _remote_pairs(model: Any, name: str, target: Any, remote: str) -> _Pairs:
    """Pairs of fields of the model and of the target, by the name of the target's foreign key."""
    meta = _finished(target)
    key = _key_named(meta, remote)
    if key is not None:
        if key.target is not model:
            raise FieldLookupError(
                f"{model.__name__}.{name}: {target.__name__}.{remote} points at {key.target.__name__}, "
                f"not at {model.__name__}"
            )
        return tuple(zip(key.references, key.ids, strict=True))
    if remote not in meta.columns:
        near = near_misses(remote, (*meta.foreign_keys, *meta.columns))
        raise FieldLookupError(
            f"{model.__name__}.{name}: db_reverse_fk names {remote!r}, "
            f"which {target.__name__} does not have{near}"
        )
    keys = _finished(model).pk_fields
    if len(keys) != 1:
        raise FieldLookupError(
            f"{model.__name__}.{name}: {target.__name__}.{remote} is one plain column and cannot refer to "
            f"{model.__name__}, whose key has {len(keys)} fields"
        )
    return ((keys[0], remote),)


def _key_named(meta: ModelMeta, name: str) -> ForeignKey | None:
    """The foreign key of that name, or the one that this field is the id of."""
    own = meta.foreign_keys.get(name)
    return own or next((key for key in meta.foreign_keys.values() if key.ids == (name,)), None)


def _unique(model: Any, names: tuple[str, ...]) -> bool:
    """Whether no two rows of the model can agree in these fields."""
    meta: ModelMeta = model._db_meta
    groups = [meta.pk_fields, *((n,) for n, column in meta.columns.items() if column.unique)]
    groups += [tuple(f for n in group for f in meta.fields_of(n)) for group in meta.unique_together]
    indexes = [index for index in meta.indexes if index.unique and not index.where]
    groups += [tuple(f for n in index.fields for f in meta.fields_of(n)) for index in indexes]
    return any(group and set(group) <= set(names) for group in groups)


# --- many-to-many --------------------------------------------------------------------------------


def _many(model: Any, name: str, field: OxydeFieldInfo, target: Any) -> RelationSpec:
    through = _through(model, name, field)
    here, there = _sides(model, name, field, target, through)
    near = tuple(zip(here.references, here.ids, strict=True))
    far = tuple(zip(there.ids, there.references, strict=True))
    return RelationSpec(_core.REL_MANY, target, near, through, far)


def _through(model: Any, name: str, field: OxydeFieldInfo) -> Any:
    """The junction's class: by enclosing namespace, module, registry."""
    given = field.db_through
    if given is None:
        raise FieldLookupError(
            f"{model.__name__}.{name} is many-to-many; name its junction model with db_through"
        )
    if isinstance(given, str):
        given = _named(model, given) or resolve_table(given, model.__module__)
    if not is_table(given):
        raise FieldLookupError(
            f"{model.__name__}.{name}: db_through names {given!r}, which is no table model"
        )
    return given


def _named(model: Any, name: str) -> Any:
    """The table of that name where the class statement stood, or in its module."""
    scope = model.__dict__.get("__oxyde_scope__")
    module = sys.modules.get(model.__module__)
    for namespace in (scope.namespace() if scope is not None else {}, vars(module) if module else {}):
        found: Any = namespace.get(name.partition(".")[0])
        for part in name.split(".")[1:]:
            found = getattr(found, part, None)
        if is_table(found):
            return found
    return None


def _sides(
    model: Any, name: str, field: OxydeFieldInfo, target: Any, through: Any
) -> tuple[ForeignKey, ForeignKey]:
    """The junction's foreign keys to this model and to the target."""
    keys = _finished(through).foreign_keys
    label = f"{model.__name__}.{name}"
    if field.db_through_fields is not None:
        here, there = (_side(label, through, given) for given in field.db_through_fields)
        for key, wanted in ((here, model), (there, target)):
            if key.target is not wanted:
                raise FieldLookupError(
                    f"{label}: db_through_fields names {through.__name__}.{key.name}, which points at "
                    f"{key.target.__name__}, not at {wanted.__name__}"
                )
        return here, there
    near = [key for key in keys.values() if key.target is model]
    far = [key for key in keys.values() if key.target is target]
    if model is target and len(near) == 2:
        return near[0], near[1]
    if model is target or len(near) != 1 or len(far) != 1:
        sides = (model,) if model is target else (model, target)
        counts = " and ".join(
            f"{sum(key.target is side for key in keys.values())} to {side.__name__}" for side in sides
        )
        raise FieldLookupError(
            f"{label}: the junction {through.__name__} has {counts} foreign keys; "
            f"name the two with db_through_fields=(to {model.__name__}, to {target.__name__})"
        )
    return near[0], far[0]


def _side(label: str, through: Any, name: str) -> ForeignKey:
    meta = _finished(through)
    key = _key_named(meta, name)
    if key is None:
        near = near_misses(name, meta.foreign_keys)
        raise FieldLookupError(
            f"{label}: db_through_fields names {name!r}, which is no foreign key of {through.__name__}{near}"
        )
    return key


# --- for tools -----------------------------------------------------------------------------------


def relation_infos(model: Any) -> dict[str, RelationInfo]:
    """What the metadata say of the virtual fields; nothing is looked up."""
    infos: dict[str, RelationInfo] = {}
    for name, field in model.__pydantic_fields__.items():
        if not field.is_virtual:
            continue
        target, many = target_of(field)
        infos[name] = RelationInfo(
            name=name,
            kind="many_to_many" if field.db_m2m else "one_to_many" if many else "one_to_one",
            target=key_of(target) if isinstance(target, type) else "",
            remote_field=field.db_reverse_fk,
            through=field.db_through,
        )
    return infos
