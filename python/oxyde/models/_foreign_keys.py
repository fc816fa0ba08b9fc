"""Relation attributes and id fields: what a foreign key adds to a model's Pydantic fields.

`home: Depot` stays a Pydantic field without column. Its id field `home_code` is a field of its
own: made here, unless the model declares it. The classes of this module say how the two are
validated, dumped and described.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from types import UnionType
from typing import Any, ForwardRef, Optional, Union, get_args, get_origin

import pydantic_core
from pydantic.errors import PydanticUndefinedAnnotation
from pydantic_core import PydanticCustomError, PydanticUndefined, core_schema

from ..exceptions import FieldError
from ._types import unwrap
from ._unknown import near_misses
from .field import OxydeFieldInfo, as_oxyde_field, db_arguments, is_serial
from .metadata import ForeignKey, ModelMeta

__all__ = [
    "RelationLink",
    "add_steps",
    "adopted",
    "describe_ids",
    "inner_of",
    "is_table",
    "prepare_fields",
    "step_of",
    "target_of",
]

# Arguments of a relation that describe its id column.
_OF_COLUMN = (
    "db_pk",
    "db_unique",
    "db_index",
    "db_index_name",
    "db_index_method",
    "db_nullable",
    "db_default",
    "db_comment",
)
_PLAIN_INTEGER = {"SERIAL": "INTEGER", "BIGSERIAL": "BIGINT", "SMALLSERIAL": "SMALLINT"}

_describing: ContextVar[tuple[Any, ...]] = ContextVar("oxyde_describing", default=())
# The instances that are being dumped, one inside the other.
_dumping: ContextVar[tuple[Any, ...]] = ContextVar("oxyde_dumping", default=())


class _Absent(dict[str, Any]):
    """Stands for an id that was not given. An empty dict in error reports, where inputs are shown."""

    def __hash__(self) -> int:  # type: ignore[override]
        return 0

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Pydantic writes defaults into JSON schemas; `describe_ids` takes this one out again."""
        return core_schema.any_schema()


_ABSENT = _Absent()


class RelationLink:
    """Metadata of a relation attribute: its values are validated by the target's own schema.

    The schema is looked up when a value comes. Models that refer to each other can so be
    defined in any order, and none holds a copy of the others.
    """

    __slots__ = ("target",)

    def __init__(self, target: Any) -> None:
        self.target = target

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        one = core_schema.with_info_plain_validator_function(self._validate)
        base, _, optional = unwrap(source)
        dumped = core_schema.wrap_serializer_function_ser_schema(
            _dump_related, is_field_serializer=True, when_used="unless-none"
        )
        if get_origin(base) is not list:
            return core_schema.nullable_schema(one, serialization=dumped)
        if optional:
            return core_schema.nullable_schema(core_schema.list_schema(one), serialization=dumped)
        return core_schema.list_schema(one, serialization=dumped)

    def _validate(self, value: Any, info: Any) -> Any:
        validator = self.target.__pydantic_validator__
        if info.mode == "json":
            return validator.validate_json(pydantic_core.to_json(value), context=info.context)
        return validator.validate_python(value, context=info.context)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        described = _describing.get()
        model = self.target
        if not model.__pydantic_complete__:
            model.model_rebuild()
        inner = model.__pydantic_core_schema__
        if model in described:
            ref = _ref_of(inner)
            if ref:
                inner = core_schema.definition_reference_schema(ref)
        token = _describing.set((*described, model))
        try:
            return handler(_with_inner(schema, inner))
        finally:
            _describing.reset(token)


def _dump_related(owner: Any, value: Any, handler: Any) -> Any:
    """What is related, dumped; without the instances that this one is being dumped inside of.

    Related instances may refer to each other, and a dump has an end.
    """
    around = (*_dumping.get(), owner)
    if isinstance(value, list):
        value = [item for item in value if not _is_one_of(item, around)]
    elif _is_one_of(value, around):
        return None
    token = _dumping.set(around)
    try:
        return handler(value)
    finally:
        _dumping.reset(token)


def _is_one_of(value: Any, instances: tuple[Any, ...]) -> bool:
    return any(value is instance for instance in instances)


def _ref_of(schema: Any) -> str:
    if schema["type"] == "definitions":
        schema = schema["schema"]
    return str(schema.get("ref") or schema.get("schema_ref") or "")


def _with_inner(schema: Any, inner: Any) -> Any:
    """The link's schema, with that of the target in place of the validating function."""
    for key in ("schema", "items_schema"):
        if key in schema:
            rest = {k: v for k, v in schema.items() if k != "metadata"}
            return {**rest, key: _with_inner(schema[key], inner)}
    return inner


class IdStep:
    """What keeps an id in step with its relation while an instance is validated.

    It stands around the whole schema of the id field, `schema`, validators of the field included.
    The relation is validated before.
    """

    __slots__ = ("reference", "relation", "schema")

    def __init__(self, relation: str, reference: str, schema: Any) -> None:
        self.relation = relation
        self.reference = reference
        self.schema = schema

    def around(self) -> Any:
        """The field's schema with the step: it also runs when no id was given."""
        inner = self.schema["schema"] if self.schema["type"] == "default" else self.schema
        stepped = core_schema.with_info_wrap_validator_function(self._step, inner)
        return core_schema.with_default_schema(stepped, default=_ABSENT, validate_default=True)

    def _step(self, value: Any, handler: Any, info: Any) -> Any:
        """The id: as given, or that of the related instance."""
        related = info.data.get(self.relation)
        if related is None:
            return self._default(handler, info.data) if value is _ABSENT else handler(value)
        key = related.__dict__.get(self.reference)
        if value is _ABSENT:
            return None if key is None else handler(key)
        valid = handler(value)
        if valid != key:
            raise PydanticCustomError(
                "relation_contradiction",
                "{relation} has the {reference} {key}; give one of the two, or equal ones",
                {"relation": self.relation, "reference": self.reference, "key": repr(key)},
            )
        return valid

    def _default(self, handler: Any, data: dict[str, Any]) -> Any:
        schema = self.schema
        if schema["type"] != "default":
            raise pydantic_core.PydanticKnownError("missing")
        factory = schema.get("default_factory")
        if factory is None:
            value = copy.deepcopy(schema.get("default"))
        else:
            value = factory(data) if schema.get("default_factory_takes_data") else factory()
        return handler(value) if schema.get("validate_default") else value


def step_of(schema: Mapping[str, Any]) -> IdStep | None:
    """The step around the schema of an id field, None for other schemas."""
    if schema["type"] == "default" and schema["schema"]["type"] == "function-wrap":
        owner = getattr(schema["schema"]["function"]["function"], "__self__", None)
        if isinstance(owner, IdStep):
            return owner
    return None


def inner_of(schema: Mapping[str, Any]) -> Any:
    """The schema of an id field without its step, None for other schemas."""
    step = step_of(schema)
    return None if step is None else step.schema


def add_steps(cls: Any, schema: Any) -> None:
    """Puts the steps into a model's core schema, unless they are there."""
    meta = vars(cls).get("__oxyde_meta__")  # `Model` itself has none yet
    keys: dict[str, ForeignKey] = {} if meta is None else meta.foreign_keys
    fields = _fields_of(schema) if keys else None
    for key in keys.values():
        for name, reference in zip(key.ids, key.references, strict=True):
            field = fields.get(name) if fields is not None else None
            if field is not None and inner_of(field["schema"]) is None:
                field["schema"] = IdStep(key.name, reference, field["schema"]).around()


def _fields_of(schema: Any) -> dict[str, Any] | None:
    definitions: dict[str, Any] = {}
    while schema is not None and schema["type"] != "model-fields":
        if schema["type"] == "definitions":
            definitions.update({item["ref"]: item for item in schema["definitions"]})
        known = schema["type"] == "definition-ref"
        schema = definitions.get(schema["schema_ref"]) if known else schema.get("schema")
    return None if schema is None else schema["fields"]


def describe_ids(cls: Any, described: dict[str, Any]) -> None:
    """In a model's JSON schema: ids that an instance cannot do without are required, though a relation
    gives them, and the others have the default that they have without one.
    """
    properties: dict[str, Any] = described.get("properties", {})
    required = set(described.get("required", ()))
    for key in cls.__oxyde_meta__.foreign_keys.values():
        for name in key.ids:
            field = cls.__pydantic_fields__[name]
            aliases = (field.alias, field.validation_alias, field.serialization_alias)
            for shown in {name, *(alias for alias in aliases if isinstance(alias, str))} & properties.keys():
                properties[shown].pop("default", None)
                if field.is_required():
                    required.add(shown)
                elif field.default_factory is None:
                    properties[shown]["default"] = pydantic_core.to_jsonable_python(field.default)
    if required:
        described["required"] = [name for name in properties if name in required]


# --- the fields of a class ------------------------------------------------------------------


def is_table(tp: Any) -> bool:
    """Whether the class is a table model of its own."""
    meta = vars(tp).get("__oxyde_meta__") if isinstance(tp, type) else None
    return isinstance(meta, ModelMeta) and meta.is_table


def adopted(info: Any) -> OxydeFieldInfo:
    """The field as an `OxydeFieldInfo` that knows all its `db_*` values."""
    _, metadata, _ = unwrap(info.annotation)
    inherited: dict[str, Any] = {}
    # A Field under Optional is not merged by Pydantic; its column settings still count, the outermost most.
    for item in metadata:
        inherited.update(db_arguments(item) if hasattr(item, "_attributes_set") else {})
    if type(info) is not OxydeFieldInfo or not inherited.keys() <= info._attributes_set.keys():
        return as_oxyde_field(info, inherited)
    return info


def _fields(model: Any) -> Mapping[str, OxydeFieldInfo]:
    """The fields of a model that may not be prepared yet."""
    fields: Mapping[str, Any] = model.__pydantic_fields__
    if vars(model)["__oxyde_meta__"].prepared:
        return fields
    return {name: adopted(info) for name, info in fields.items()}


def target_of(field: OxydeFieldInfo) -> tuple[Any, bool]:
    """The class a relation's annotation names, and whether as a list; (None, ...) for a bare list."""
    base, _, _ = unwrap(field.annotation)
    if base is list:
        return None, True
    if get_origin(base) is list:
        return unwrap(get_args(base)[0])[0], True
    return base, False


def prepare_fields(cls: Any) -> None:
    """Completes the fields of a class whose annotations are resolved, before Pydantic builds from them.

    All become `OxydeFieldInfo`; relation attributes get a default and their link; tables get the
    id fields of their foreign keys, and classes derived from tables inherit them.
    """
    meta: ModelMeta = vars(cls)["__oxyde_meta__"]
    if meta.prepared:
        return
    fields: dict[str, OxydeFieldInfo] = {
        name: adopted(info) for name, info in cls.__pydantic_fields__.items()
    }
    keys: dict[str, ForeignKey] = {}
    if meta.is_table:
        keys = _linked(cls, fields)
    else:
        _inherit_ids(cls, fields, keys)
    for name, field in fields.items():
        if field.is_virtual:
            fields[name] = _relation_field(field)
    own = cls.__pydantic_fields__
    own.clear()
    own.update(_relations_first(fields, keys))
    meta.foreign_keys = keys
    meta.linked = {name: () for name, field in fields.items() if field.is_virtual or name in keys}
    for key in keys.values():
        for id_name in key.ids:
            meta.linked[id_name] = (*meta.linked.get(id_name, ()), key.name)
    meta.prepared = True


def _relations_first(fields: dict[str, OxydeFieldInfo], keys: dict[str, ForeignKey]) -> dict[str, Any]:
    """The fields in an order in which each id finds its relation validated."""
    before: dict[str, str] = {}
    names = list(fields)
    for key in keys.values():
        first = min(key.ids, key=names.index)
        if names.index(first) < names.index(key.name):
            before[first] = key.name
    ordered: dict[str, Any] = {}
    for name, field in fields.items():
        if name in before:
            ordered[before[name]] = fields[before[name]]
        ordered.setdefault(name, field)
    return ordered


def _relation_field(field: OxydeFieldInfo) -> OxydeFieldInfo:
    """A relation attribute as Pydantic gets it: never required, its values linked to the target."""
    changed = as_oxyde_field(field, {}, copied=True)
    target, many = target_of(field)
    rest = [item for item in field.metadata if not isinstance(item, RelationLink)]
    changed.metadata = [RelationLink(target), *rest] if is_table(target) else rest
    if changed.default is PydanticUndefined and changed.default_factory is None:
        optional = unwrap(field.annotation)[2]
        if many and not optional:
            changed.default_factory = list
        else:
            changed.default = None
    return changed


def _linked(cls: Any, fields: dict[str, OxydeFieldInfo]) -> dict[str, ForeignKey]:
    """Adds the id fields of a table; its foreign keys by name."""
    inherited = {
        name
        for base in cls.__mro__[1:]
        if isinstance(vars(base).get("__oxyde_meta__"), ModelMeta)
        for name in vars(base)["__oxyde_meta__"].generated
    }
    for name in inherited - vars(cls).get("__annotations__", {}).keys():
        fields.pop(name, None)  # made again from its relation, which may be another one here
    keys: dict[str, ForeignKey] = {}
    meta: ModelMeta = vars(cls)["__oxyde_meta__"]
    generated: list[str] = []
    for name, field in list(fields.items()):
        if field.is_virtual:
            continue
        target, many = target_of(field)
        if not is_table(target):
            if field.db_fk is not None:
                raise FieldError(
                    f"{cls.__name__}.{name} has db_fk, but {target!r} is no table model to point at"
                )
            continue
        if many:
            raise FieldError(
                f"{cls.__name__}.{name} is a list of {target.__name__}, a table: say how they are related "
                f"with Field(db_reverse_fk=...) or Field(db_m2m=True, db_through=...)"
            )
        made = _id_fields(cls, name, field, ())
        key = ForeignKey(
            name,
            target,
            tuple(id_name for id_name, _, _ in made),
            tuple(reference for _, reference, _ in made),
            field.db_on_delete,
            field.db_on_update,
        )
        for id_name, _, id_field in made:
            declared = fields.get(id_name)
            if declared is None:
                generated.append(id_name)
            fields[id_name] = id_field if declared is None else _with_column(declared, field)
        fields[name] = _relation_field(field)
        keys[name] = key
    meta.generated = tuple(generated)
    return keys


def _inherit_ids(cls: Any, fields: dict[str, OxydeFieldInfo], keys: dict[str, ForeignKey]) -> None:
    """The generated fields of a table's subclass that is no table."""
    from ._finalize import finish

    for base in cls.__mro__[1:]:
        meta = vars(base).get("__oxyde_meta__")
        if not isinstance(meta, ModelMeta):
            continue
        if meta.is_table and not meta.prepared:
            finish(base, everything=False)
        for name, key in meta.foreign_keys.items():
            if name not in fields or any(isinstance(m, RelationLink) for m in fields[name].metadata):
                for id_name in key.ids:
                    fields.setdefault(id_name, base.__pydantic_fields__[id_name])
                keys.setdefault(name, key)


def _with_column(declared: OxydeFieldInfo, relation: OxydeFieldInfo) -> OxydeFieldInfo:
    """A declared id field; what the relation says of its column counts where the field is silent."""
    given = db_arguments(relation)
    return as_oxyde_field(declared, {name: given[name] for name in _OF_COLUMN if name in given}, copied=True)


# --- id fields ----------------------------------------------------------------------------------


def _id_fields(
    cls: Any, name: str, field: OxydeFieldInfo, on_the_way: tuple[Any, ...]
) -> list[tuple[str, str, OxydeFieldInfo]]:
    """(name, field of the target, field) for each id field of a foreign key."""
    target, _ = target_of(field)
    if (cls, name) in on_the_way:
        way = " -> ".join(f"{model.__name__}.{attribute}" for model, attribute in (*on_the_way, (cls, name)))
        raise FieldError(f"{way}: these keys are made of each other; give one of the models a key of its own")
    parts = _referenced(cls, name, field, target, (*on_the_way, (cls, name)))
    if field.db_column is not None and len(parts) > 1:
        raise FieldError(
            f"{cls.__name__}.{name} has db_column, but {target.__name__} has a key of {len(parts)} columns"
        )
    optional = unwrap(field.annotation)[2]
    given = db_arguments(field)
    made = []
    for reference, referenced in parts:
        id_name = field.db_column or f"{name}_{reference}"
        made.append((id_name, reference, _id_field(referenced, given, optional)))
    return made


def _id_field(referenced: OxydeFieldInfo, given: dict[str, Any], optional: bool) -> OxydeFieldInfo:
    arguments = {name: given[name] for name in _OF_COLUMN if name in given}
    db_type = given.get("db_type") or referenced.db_type
    if is_serial(db_type):
        db_type = _PLAIN_INTEGER[str(db_type).strip().upper()]
    if db_type is not None:
        arguments["db_type"] = db_type
    default = None if optional else PydanticUndefined
    field = OxydeFieldInfo(default, **arguments)
    base, inner, _ = unwrap(referenced.annotation)
    field.annotation = Optional[base] if optional else base
    field.metadata = [*referenced.metadata, *(m for m in inner if not hasattr(m, "_attributes_set"))]
    return field


def _referenced(
    cls: Any, name: str, field: OxydeFieldInfo, target: Any, on_the_way: tuple[Any, ...]
) -> list[tuple[str, OxydeFieldInfo]]:
    """The fields of the target that a foreign key names: `db_fk`, or the key."""
    fields = _fields(target)
    if field.db_fk is not None:
        if field.db_fk not in fields and field.db_fk not in _promised(target, on_the_way):
            near = near_misses(field.db_fk, fields)
            raise FieldError(
                f"{cls.__name__}.{name}: db_fk names {field.db_fk!r}, "
                f"which {target.__name__} does not have{near}"
            )
        found = list(_columns_of(target, field.db_fk, on_the_way))
        if len(found) == 1 and not _is_unique(target, found[0][0], found[0][1]):
            raise FieldError(
                f"{cls.__name__}.{name}: db_fk names {target.__name__}.{field.db_fk}, which is not unique; "
                f"give it db_unique=True"
            )
    else:
        generated = vars(target)["__oxyde_meta__"].generated
        keys = [key for key, info in fields.items() if info.db_pk and key not in generated]
        found = list(dict(part for key in keys for part in _columns_of(target, key, on_the_way)).items())
    if not found:
        raise FieldError(
            f"{cls.__name__}.{name} points at {target.__name__}, which has no primary key; "
            f"name a unique field with db_fk"
        )
    return found


def _promised(target: Any, on_the_way: tuple[Any, ...]) -> dict[str, str]:
    """Id fields that the target is going to have: name to relation."""
    promised: dict[str, str] = {}
    for name, field in _fields(target).items():
        if not field.is_virtual and is_table(target_of(field)[0]) and (target, name) not in on_the_way:
            promised.update({made[0]: name for made in _id_fields(target, name, field, on_the_way)})
    return promised


def _columns_of(target: Any, name: str, on_the_way: tuple[Any, ...]) -> Iterator[tuple[str, OxydeFieldInfo]]:
    """A field that has a column; for a relation its id fields, which may not be there yet."""
    info = target.__pydantic_fields__.get(name)
    if info is None:
        relation = _promised(target, on_the_way)[name]
        yield from ((n, f) for n, f in _columns_of(target, relation, on_the_way) if n == name)
        return
    if not getattr(info, "_complete", True):
        raise PydanticUndefinedAnnotation(
            _text_of(info.annotation), f"{target.__name__}.{name} is not resolved"
        )
    field = adopted(info)
    if field.is_virtual:
        raise FieldError(f"{target.__name__}.{name} has no column that a foreign key could point at")
    if not is_table(target_of(field)[0]):
        yield name, field
        return
    for id_name, _, made in _id_fields(target, name, field, on_the_way):
        declared = target.__pydantic_fields__.get(id_name)
        yield id_name, made if declared is None else adopted(declared)


def _text_of(annotation: Any) -> str:
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    if get_origin(annotation) in (Union, UnionType):
        return next((_text_of(a) for a in get_args(annotation) if isinstance(a, (str, ForwardRef))), "")
    return str(annotation)


def _is_unique(target: Any, name: str, field: OxydeFieldInfo) -> bool:
    meta: ModelMeta = vars(target)["__oxyde_meta__"]
    same = {name, field.db_column or name}
    keys = [n for n, info in _fields(target).items() if info.db_pk]
    alone = [group[0] for group in meta.unique_together if len(group) == 1]
    alone += [index.fields[0] for index in meta.indexes if index.unique and len(index.fields) == 1]
    return field.db_unique or (field.db_pk and len(keys) == 1) or any(other in same for other in alone)
