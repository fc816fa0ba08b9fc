"""Which models are made in C when their class is called, and how.

`Model(name="a")` has the outcome of Pydantic's validator for these keyword arguments. A field's
part says which values keep that outcome when they are taken as they are: those of exactly one
type, which hold what the loading rules of rows ask as well. Any other value, and any model that
holds something unknown, goes to the validator, before anything has been made or called.
Validators of fields are never called from here: only Pydantic knows in which order they run.
"""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from .. import _core
from ._foreign_keys import step_of
from ._proof import Parts, default_of, extra_behaviour, model_reason, take_apart
from ._proof_private import SHARED, PlainPrivate, plain_private
from ._proof_rules import Rule, rule_of, unwrap
from ._proof_schema import Schema, keys_known, resolve

__all__ = ["Part", "construction_of"]

# Schema type -> the one type of its values, and the kind that the loading rule is asked for.
_TYPES: Mapping[str, tuple[type, str]] = {
    "bool": (bool, "boolean"),
    "int": (int, "big_integer"),
    "float": (float, "double"),
    "decimal": (decimal.Decimal, "decimal"),
    "str": (str, "text"),
    "bytes": (bytes, "blob"),
    "date": (dt.date, "date"),
    "time": (dt.time, "time"),
    "timedelta": (dt.timedelta, "timedelta"),
    "uuid": (uuid.UUID, "uuid"),
}
_ZONES = {None: (_core.ZONE_ANY, "date_time"), "naive": (_core.ZONE_NONE, "date_time")}
_ZONES["aware"] = (_core.ZONE_UTC, "date_time_utc")
_IDENTITY: Rule = (0,)


class Part(NamedTuple):
    """How a field gets its value. Read by `_core.Construction`, item by item.

    keys: keyword arguments that give it, the first one found wins. rule: as `FieldSpec.load`, or
    None where only None can be taken. type: the exact type of its values, None for any. default:
    whether it may be left out; then factory() makes the value, or it is constant.
    """

    name: str
    keys: tuple[str, ...]
    rule: Rule | None
    type: type | None
    zone: int
    nullable: bool
    default: bool
    constant: Any
    factory: Any


def construction_of(cls: Any) -> Any:
    """The class's `_core.Construction`, made now and kept in the class until its validator changes."""
    parts = take_apart(cls)
    private = plain_private(cls)
    found = None if _reason(parts, private) else _parts(parts)
    post_init = cls.model_post_init if cls.__private_attributes__ else None
    made = _core.Construction(
        cls,
        cls.__pydantic_validator__,
        found,
        allow_extra=extra_behaviour(parts) == "allow",
        ignore_extra=extra_behaviour(parts) == "ignore",
        private=private,
        post_init=post_init,
        table=cls.__oxyde_meta__.is_table,
    )
    type.__setattr__(cls, "__oxyde_construction__", made)
    return made


def _reason(parts: Parts, private: PlainPrivate | None) -> str:
    """Why calling the class is left to Pydantic, or ""."""
    cls = parts.cls
    reason = model_reason(parts)
    if reason:
        return reason
    if cls.__getattribute__ is not object.__getattribute__:
        return "its own __getattribute__"
    if cls.__private_attributes__ and private is None:
        return "private attributes that are made for each instance"
    return ""


def _parts(parts: Parts) -> tuple[Part, ...] | None:
    """A part for each field; None if some field's keywords or values cannot be told."""
    found: list[Part] = []
    fields = parts.stepped["fields"] if parts.stepped is not None else {}
    for name, field in fields.items():
        keys = _keys(name, field, parts.config)
        if keys is None or not keys_known(field):
            return None
        part = _part(name, keys, field["schema"], parts)
        if part is None:
            return None
        found.append(part)
    keywords = [key for part in found for key in part.keys]
    return tuple(found) if len(keywords) == len(set(keywords)) else None


def _keys(name: str, field: Schema, config: Schema) -> tuple[str, ...] | None:
    alias = field.get("validation_alias")
    if alias is None or alias == name:
        return (name,)
    if type(alias) is not str:
        return None
    by_alias = config.get("validate_by_alias", True)
    by_name = config.get("validate_by_name", False)
    keys = ((alias,) if by_alias else ()) + ((name,) if by_name else ())
    return keys or None


def _part(name: str, keys: tuple[str, ...], schema: Schema, parts: Parts) -> Part | None:
    step = step_of(schema)
    if step is not None:
        # Without a related instance, which only Pydantic takes, the step does nothing.
        if not _relation_is_none(step.relation, parts):
            return None
        schema = step.schema
    rule, type_, zone, nullable = _rule(schema, parts)
    given, constant, factory = _left_out(name, schema, parts)
    if step is not None and (factory is not None or type(constant) not in SHARED):
        given, constant, factory = False, None, None  # the step copies, or calls, in its own way
    return Part(name, keys, rule, type_, zone, nullable, given, constant, factory)


def _relation_is_none(relation: str, parts: Parts) -> bool:
    """Whether the relation is None in all instances that are made here."""
    field = (parts.stepped or {}).get("fields", {}).get(relation)
    if field is None:
        return True
    given, constant, factory = _left_out(relation, field["schema"], parts)
    return _rule(field["schema"], parts)[0] is None and (not given or (constant is None and factory is None))


def _left_out(name: str, schema: Schema, parts: Parts) -> tuple[bool, Any, Any]:
    """(whether the field may be left out, its constant default, what makes it instead)."""
    schema = resolve(schema, parts.definitions)
    if schema["type"] != "default" or not keys_known(schema):
        return False, None, None
    if schema.get("validate_default") or (
        "validate_default" not in schema and parts.config.get("validate_default")
    ):
        return False, None, None
    if schema.get("default_factory_takes_data") or not {"default", "default_factory"} & schema.keys():
        return False, None, None
    _, constant, factory = default_of(name, schema, parts)
    return True, constant, factory


def _rule(schema: Schema, parts: Parts) -> tuple[Rule | None, type | None, int, bool]:
    """(rule, exact type, zone, whether None passes). No rule: no other value is taken."""
    inner, nullable, only_lax = unwrap(schema, parts.definitions)
    kind = inner["type"]
    none: tuple[Rule | None, type | None, int, bool] = (None, None, _core.ZONE_ANY, nullable)
    if only_lax or not keys_known(inner):
        return none
    if kind == "any":
        return _IDENTITY, None, _core.ZONE_ANY, True
    if kind == "enum":
        return _IDENTITY, inner["cls"], _core.ZONE_ANY, nullable
    if kind == "literal":
        return _literal(inner, parts, nullable) or none
    if kind == "datetime":
        zone, decoded = _ZONES.get(inner.get("tz_constraint"), (None, ""))
        rule = rule_of(inner, decoded, parts.config)
        return none if zone is None or rule is None else (rule, dt.datetime, zone, nullable)
    exact, decoded = _TYPES.get(kind, (None, ""))
    rule = rule_of(inner, decoded, parts.config) if exact is not None else None
    return none if rule is None else (rule, exact, _core.ZONE_ANY, nullable)


def _literal(
    schema: Schema, parts: Parts, nullable: bool
) -> tuple[Rule | None, type | None, int, bool] | None:
    expected = type(next(iter(schema["expected"]), None))
    kind = {str: "text", int: "big_integer"}.get(expected)
    rule = rule_of(schema, kind, parts.config) if kind is not None else None
    return None if rule is None else (rule, expected, _core.ZONE_ANY, nullable)
