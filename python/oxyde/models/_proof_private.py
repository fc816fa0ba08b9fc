"""Which private attributes a new instance gets without anybody's code being called."""

from __future__ import annotations

from typing import Any

from pydantic.fields import ModelPrivateAttr
from pydantic_core import PydanticUndefined

__all__ = ["SHARED", "PlainPrivate", "plain_private"]

# (private attributes, the names of those that each instance gets a copy of)
PlainPrivate = tuple[dict[str, Any], tuple[str, ...]]

# Of these types Pydantic gives to each instance the default itself, or copies an empty one.
SHARED = frozenset({int, float, complex, bool, str, bytes, type(None)})
_COPIED = frozenset({dict, list, set})


def plain_private(cls: Any) -> PlainPrivate | None:
    """The private attributes of a new instance, or None where making them may run anybody's code."""
    values: dict[str, Any] = {}
    copied: list[str] = []
    for name, attribute in cls.__private_attributes__.items():
        if type(attribute) is not ModelPrivateAttr or attribute.default_factory is not None:
            return None
        default = attribute.default
        if default is PydanticUndefined:
            continue
        kind: Any = type(default)
        if kind in _COPIED and not default:
            copied.append(name)
        elif kind not in SHARED and not (kind is tuple and not default):
            return None
        values[name] = default
    return (values, tuple(copied)) if cls.__private_attributes__ else None
