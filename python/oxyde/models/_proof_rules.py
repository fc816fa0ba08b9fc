"""Loading rules of single fields: from a core schema and the kind of value that a cell becomes.

The decoder makes exactly one Python type for each kind (a `date_time` is a naive datetime, a
`string` an exact str without surrogates, and so on). A rule is given only where Pydantic's
lax validation of such a value is known to return it unchanged or to refuse it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from ._proof_schema import Schema, keys_known, resolve

__all__ = [
    "ENUM",
    "IDENTITY",
    "VALIDATOR",
    "Plain",
    "Rule",
    "field_rule",
    "fresh_type",
    "plain_of",
    "rule_of",
    "unwrap",
]

# As plan.h numbers them.
IDENTITY, LENGTH, INT_RANGE, FLOAT_RANGE, ENUM, VALIDATOR, DECIMAL = range(7)

Rule = tuple[Any, ...]
Plain = dict[Any, Any] | Callable[[Any], Any]

_MISSING = object()
_TEXT = frozenset({"string", "text", "enum"})
_BOUNDS = ("ge", "gt", "le", "lt")


def _has(schema: Schema, *keys: str) -> bool:
    return any(schema.get(key) not in (None, False) for key in keys)


def _setting(schema: Schema, key: str, config: Schema, config_key: str, default: Any = None) -> Any:
    value = schema.get(key)
    return config.get(config_key, default) if value is None else value


def _is_size(value: Any) -> bool:
    return value is None or (type(value) is int and 0 <= value < 2**31)


def _bool(schema: Schema, kind: str, config: Schema) -> Rule | None:
    return (IDENTITY,) if kind == "boolean" else None


def _int(schema: Schema, kind: str, config: Schema) -> Rule | None:
    if kind != "big_integer" or _has(schema, "multiple_of"):
        return None
    bounds = [schema.get(key) for key in _BOUNDS]
    if all(bound is None for bound in bounds):
        return (IDENTITY,)
    if not all(bound is None or (type(bound) is int and -(2**63) <= bound < 2**63) for bound in bounds):
        return None
    return (INT_RANGE, *bounds)


def _float(schema: Schema, kind: str, config: Schema) -> Rule | None:
    if kind != "double" or schema.get("multiple_of") is not None:
        return None
    bounds = [schema.get(key) for key in _BOUNDS]
    finite = not _setting(schema, "allow_inf_nan", config, "allow_inf_nan", True)
    if all(bound is None for bound in bounds) and not finite:
        return (IDENTITY,)
    if not all(b is None or (type(b) in (int, float) and abs(b) < 2**53) for b in bounds):
        return None
    if (bounds[0] is not None and bounds[1] is not None) or (bounds[2] is not None and bounds[3] is not None):
        return None
    return (FLOAT_RANGE, *bounds, finite)


def _decimal(schema: Schema, kind: str, config: Schema) -> Rule | None:
    # Infinities and NaN always ask Pydantic, whether it allows them or not.
    if kind != "decimal" or any(schema.get(key) is not None for key in (*_BOUNDS, "multiple_of")):
        return None
    digits, places = schema.get("max_digits"), schema.get("decimal_places")
    return (DECIMAL, digits, places) if _is_size(digits) and _is_size(places) else None


def _str(schema: Schema, kind: str, config: Schema) -> Rule | None:
    if kind not in _TEXT or schema.get("pattern") is not None or _has(schema, "ascii_only"):
        return None
    for key in ("strip_whitespace", "to_lower", "to_upper"):
        if _setting(schema, key, config, f"str_{key}"):
            return None
    low = _setting(schema, "min_length", config, "str_min_length")
    high = _setting(schema, "max_length", config, "str_max_length")
    return _length(low, high)


def _length(low: Any, high: Any) -> Rule | None:
    if not (_is_size(low) and _is_size(high)):
        return None
    return (IDENTITY,) if not low and high is None else (LENGTH, low, high)


def _bytes(schema: Schema, kind: str, config: Schema) -> Rule | None:
    return _length(schema.get("min_length"), schema.get("max_length")) if kind == "blob" else None


def _date(schema: Schema, kind: str, config: Schema) -> Rule | None:
    return (IDENTITY,) if kind == "date" and not _constrained(schema) else None


def _constrained(schema: Schema) -> bool:
    keys = (*_BOUNDS, "multiple_of", "now_op", "tz_constraint")
    return any(schema.get(key) is not None for key in keys)


def _time(schema: Schema, kind: str, config: Schema) -> Rule | None:
    return (IDENTITY,) if kind == "time" and not _constrained(schema) else None


def _timedelta(schema: Schema, kind: str, config: Schema) -> Rule | None:
    return (IDENTITY,) if kind in ("timedelta", "interval") and not _constrained(schema) else None


def _datetime(schema: Schema, kind: str, config: Schema) -> Rule | None:
    if kind not in ("date_time", "date_time_utc") or any(
        schema.get(key) is not None for key in (*_BOUNDS, "now_op")
    ):
        return None
    zone = schema.get("tz_constraint")
    fits = zone is None or zone == ("naive" if kind == "date_time" else "aware")
    return (IDENTITY,) if fits else None


def _uuid(schema: Schema, kind: str, config: Schema) -> Rule | None:
    return (IDENTITY,) if kind == "uuid" and schema.get("version") is None else None


def _members(values: list[Any], objects: list[Any], kind: str) -> Rule | None:
    expected = str if kind in _TEXT else int if kind == "big_integer" else None
    if expected is None or any(type(value) is not expected for value in values):
        return None
    members: dict[Any, Any] = {}
    for value, member in zip(values, objects, strict=True):
        members.setdefault(value, member)
    return (ENUM, members)


def _enum(schema: Schema, kind: str, config: Schema) -> Rule | None:
    members = list(schema["members"])
    return _members([member.value for member in members], members, kind)


def _literal(schema: Schema, kind: str, config: Schema) -> Rule | None:
    expected = list(schema["expected"])
    return _members(expected, expected, kind)


def _any(schema: Schema, kind: str, config: Schema) -> Rule | None:
    return (IDENTITY,)


_RULES: Mapping[str, Callable[[Schema, str, Schema], Rule | None]] = {
    "any": _any,
    "bool": _bool,
    "int": _int,
    "float": _float,
    "decimal": _decimal,
    "str": _str,
    "bytes": _bytes,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "timedelta": _timedelta,
    "uuid": _uuid,
    "enum": _enum,
    "literal": _literal,
}


def unwrap(schema: Schema, definitions: Mapping[str, Schema]) -> tuple[Schema, bool, bool]:
    """The schema that a value other than None meets in lax Python mode, whether None passes before,
    and whether the strict mode has another schema.
    """
    nullable = only_lax = False
    while True:
        schema = resolve(schema, definitions)
        kind = schema["type"]
        if not keys_known(schema):
            return schema, nullable, only_lax
        if kind == "nullable":
            nullable = True
        if kind in ("nullable", "default"):
            # A value that its schema refuses is never replaced by the default here: the row
            # then goes to Pydantic, which knows on_error.
            schema = schema["schema"]
        elif kind == "lax-or-strict":
            schema = schema["lax_schema"]
            only_lax = True
        elif kind == "json-or-python":
            schema = schema["python_schema"]
        else:
            return schema, nullable, only_lax


def rule_of(schema: Schema, kind: str, config: Schema) -> Rule | None:
    """The rule of an unwrapped schema for values of one kind, or None."""
    rule = _RULES.get(schema["type"])
    return None if rule is None or not keys_known(schema) else rule(schema, kind, config)


def field_rule(
    schema: Schema, definitions: Mapping[str, Schema], kind: str, config: Schema
) -> tuple[Rule | None, bool]:
    """The rule of a field, None where only its validator can tell, and whether None passes unchecked."""
    inner, nullable, _ = unwrap(schema, definitions)
    rule = rule_of(inner, kind, config)
    return rule, nullable or (rule is not None and inner["type"] == "any")


# --- containers out of JSON -------------------------------------------------------------------

_JSON = frozenset({"json", "json_binary"})


def fresh_type(
    schema: Schema, definitions: Mapping[str, Schema], kind: str, config: Schema
) -> type[dict[str, Any]] | type[list[Any]] | None:
    """dict or list, if the field's validator copies any such object that was just read from JSON,
    whatever it holds, and changes nothing: then there is no need for the copy. The keys are str.
    """
    inner, _, _ = unwrap(schema, definitions)
    if kind not in _JSON or inner["type"] not in ("dict", "list") or not keys_known(inner):
        return None
    if _has(inner, "fail_fast") or any(inner.get(key) is not None for key in ("min_length", "max_length")):
        return None
    parts = {key: unwrap(inner[key], definitions)[0] for key in _PARTS if key in inner}
    if not all(keys_known(part) for part in parts.values()):
        return None
    keys = parts.pop("keys_schema", {"type": "any"})
    if not (keys["type"] == "any" or (keys["type"] == "str" and _str(keys, "string", config) == (IDENTITY,))):
        return None
    if any(part["type"] != "any" for part in parts.values()):
        return None
    return dict if inner["type"] == "dict" else list


_PARTS = ("keys_schema", "values_schema", "items_schema")

# --- what values() shows --------------------------------------------------------------------

_CONTAINERS: Mapping[str, Callable[[Any], Any]] = {
    "list": list,
    "set": set,
    "frozenset": frozenset,
    "tuple": tuple,
}
_INTERFACES = (ipaddress.IPv4Interface, ipaddress.IPv6Interface)


def _through_functions(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    inner, _, _ = unwrap(schema, definitions)
    while inner["type"] in ("function-before", "function-after", "function-wrap") and "schema" in inner:
        inner, _, _ = unwrap(inner["schema"], definitions)
    return inner


def _address_class(schema: Schema, definitions: Mapping[str, Schema]) -> Any:
    while True:
        schema = resolve(schema, definitions)
        for key in ("strict_schema", "python_schema", "schema"):
            if key in schema:
                schema = schema[key]
                break
        else:
            return schema.get("cls")


def _each(convert: Callable[[Any], Any], container: Callable[[Any], Any]) -> Callable[[list[Any]], Any]:
    def converted(items: list[Any]) -> Any:
        return container(None if item is None else convert(item) for item in items)

    return converted


def plain_of(schema: Schema, definitions: Mapping[str, Schema], kind: str, elem: str) -> Plain | None:
    """What turns a decoded value into what the attribute would hold, without constraints; None: nothing."""
    inner = _through_functions(schema, definitions)
    if kind in ("inet", "cidr"):
        cls = _address_class(schema, definitions)
        return cls if cls in _INTERFACES else None
    if inner["type"] == "enum":
        return {member.value: member for member in reversed(list(inner["members"]))}
    container = _CONTAINERS.get(inner["type"]) if kind == "array" else None
    if container is None:
        return None
    items = inner.get("items_schema")
    if isinstance(items, list):
        items = items[0] if len(items) == 1 else None
    nested = inner["type"] != "tuple" and _nested(items, definitions)
    convert = plain_of(items, definitions, "array" if nested else elem, elem) if items is not None else None
    if convert is None:
        return None if container is list else container
    if isinstance(convert, dict):
        convert = convert.__getitem__
    return _each(convert, container)


def _nested(items: Schema | None, definitions: Mapping[str, Schema]) -> bool:
    return items is not None and _through_functions(items, definitions)["type"] in _CONTAINERS
