"""How a JSON value is taken apart for storing.

Pydantic's serialisation is meant for readers: it leaves out fields with `exclude=True` and applies
the serialisers of the user. What is stored has to give the same value again, so neither counts
here. A type that comes with a validator of its own, and a serialiser that undoes it, keeps both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import PydanticSerializationUnexpectedValue, SchemaSerializer

from ._proof_schema import Schema, children, definitions_of, with_children

__all__ = ["storing_dump"]

Dump = Callable[..., Any]

_OPTIONS: dict[str, Any] = {"by_alias": False, "round_trip": True, "warnings": False}

_EXCLUDED = ("serialization_exclude", "serialization_exclude_if")
_OF_THE_USER = frozenset({"function-plain", "function-wrap", "format", "to-string"})
_FIELDS_AT = ("model-fields", "dataclass-args")

# Types that validate without code of their own: nothing needs a serialiser to undo it.
_PLAIN_TYPES = """
    none bool int float decimal complex str bytes date time datetime timedelta uuid literal enum
    list tuple set frozenset dict nullable default union tagged-union
    model model-fields dataclass typed-dict
"""
_PLAIN = frozenset(_PLAIN_TYPES.split())


def storing_dump(adapter: Any) -> Dump:
    """The adapter's dump to Python objects, or one that leaves nothing out and changes nothing."""
    schema, definitions = definitions_of(adapter.core_schema)
    if not _changes_something(schema, definitions):
        own: Dump = adapter.serializer.to_python
        return own
    plain: Any = _Plain(definitions).of(schema)
    return SchemaSerializer(plain).to_python


def _has_user_code(schema: Schema) -> bool:
    serialization = schema.get("serialization")
    if not serialization or serialization["type"] not in _OF_THE_USER:
        return False
    return schema["type"] in _PLAIN or bool(serialization.get("is_field_serializer"))


def _changes_something(schema: Schema, definitions: Mapping[str, Schema]) -> bool:
    waiting, seen = [schema], set()
    while waiting:
        part = waiting.pop()
        if _has_user_code(part) or any(part.get(key) for key in _EXCLUDED):
            return True
        if part["type"] == "definition-ref" and part["schema_ref"] not in seen:
            seen.add(part["schema_ref"])
            waiting.append(definitions[part["schema_ref"]])
        waiting.extend(children(part))
    return False


class _Plain:
    """Makes schemas whose serialisers keep everything.

    Classes become functions that dump their fields: pydantic-core would take the serialiser that
    the class has already, whatever the schema says.
    """

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._by_ref: dict[str, Dump] = {}

    def of(self, schema: Schema) -> dict[str, Any]:
        """The schema with user code and exclusions taken out."""
        kind = schema["type"]
        if kind == "definition-ref":
            return _calling(self._late(schema["schema_ref"]))
        if kind in ("model", "dataclass"):
            return _calling(self._object(schema))
        dropped = {"ref", *_EXCLUDED, *(("serialization",) if _has_user_code(schema) else ())}
        return with_children({key: value for key, value in schema.items() if key not in dropped}, self.of)

    def _late(self, ref: str) -> Dump:
        """A dump by a schema that may contain itself, made when it is first needed."""

        def dump(value: Any) -> Any:
            made = self._by_ref.get(ref)
            if made is None:
                made = self._by_ref[ref] = _dump_of(self.of(self._definitions[ref]))
            return made(value)

        return dump

    def _object(self, schema: Schema) -> Dump:
        cls, inner = schema["cls"], schema["schema"]
        while inner["type"] not in _FIELDS_AT and isinstance(inner.get("schema"), dict):
            inner = inner["schema"]
        if inner["type"] not in _FIELDS_AT:  # a root model
            root = _dump_of(self.of(inner))
            return lambda value: root(_checked(value, cls).root)
        listed = inner["fields"]
        fields = {field["name"]: field for field in listed} if isinstance(listed, list) else listed
        dump = _dump_of(
            {
                "type": "typed-dict",
                "extra_behavior": "allow",
                "fields": {
                    name: {
                        "type": "typed-dict-field",
                        "required": False,
                        "schema": self.of({k: v for k, v in field["schema"].items() if k != "ref"}),
                    }
                    for name, field in fields.items()
                },
            }
        )

        def dump_object(value: Any) -> Any:
            _checked(value, cls)
            found = {name: getattr(value, name) for name in fields if hasattr(value, name)}
            return dump({**found, **(getattr(value, "__pydantic_extra__", None) or {})})

        return dump_object


def _checked(value: Any, cls: type) -> Any:
    if not isinstance(value, cls):  # so that a union looks at its next member
        raise PydanticSerializationUnexpectedValue(f"expected {cls.__name__}, got {type(value).__name__}")
    return value


def _dump_of(schema: Any) -> Dump:
    to_python = SchemaSerializer(schema).to_python
    return lambda value: to_python(value, **_OPTIONS)


def _calling(dump: Dump) -> dict[str, Any]:
    return {"type": "any", "serialization": {"type": "function-plain", "function": dump}}
