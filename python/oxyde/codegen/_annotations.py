"""The text of a type: of an annotation as Pydantic keeps it, and of a value found in a module."""

from __future__ import annotations

import collections.abc
import enum
import inspect
import re
import sys
import types
import typing
from collections.abc import Iterable
from typing import Annotated, Any, ForwardRef, Literal, TypeVar, Union, get_args, get_origin

import typing_extensions

from ._names import Names

__all__ = ["joined", "literal_text", "render", "type_of_value", "without_none"]

_UNIONS: tuple[Any, ...] = (Union, types.UnionType)
_ALIASES: tuple[Any, ...] = tuple(
    {getattr(typing, "TypeAliasType", typing_extensions.TypeAliasType), typing_extensions.TypeAliasType}
)
_SPECIAL = {"Self": "typing_extensions", "LiteralString": "typing_extensions", "Never": "typing_extensions"}


def render(annotation: Any, names: Names) -> str:
    """The annotation as text: unqualified names, `|` for unions, without `Annotated`."""
    plain = _plain(annotation, names)
    if plain is not None:
        return plain
    inner = _unwrapped(annotation)
    if inner is not annotation:
        return render(inner, names)
    origin = get_origin(annotation)
    if origin in _UNIONS:
        return joined(render(member, names) for member in get_args(annotation))
    if origin is Literal:
        return f"{names.use('typing', 'Literal')}[{', '.join(_literals(get_args(annotation), names))}]"
    if origin is not None:
        return _generic(annotation, origin, names)
    return _named(annotation, names)


def _plain(annotation: Any, names: Names) -> str | None:
    """The text of what has no parts."""
    if annotation is None or annotation is type(None):
        return "None"
    if annotation is Any or annotation is inspect.Parameter.empty:
        return names.use("typing", "Any")
    if annotation is ...:
        return "..."
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    return annotation if isinstance(annotation, str) else None


def _unwrapped(annotation: Any) -> Any:
    """The annotation without `Annotated`, and what an alias stands for."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return annotation.__origin__
    if isinstance(annotation, _ALIASES):
        return annotation.__value__
    if isinstance(origin, _ALIASES):
        return origin.__value__[get_args(annotation)]
    return annotation


def _named(annotation: Any, names: Names) -> str:
    """The name of a class, a type variable or a special form."""
    name = getattr(annotation, "__name__", None) or getattr(annotation, "_name", None)
    if isinstance(annotation, type):
        return _class(annotation, names)
    if isinstance(annotation, TypeVar):
        return str(name) if name in names.bound else names.use("typing", "Any")
    if name in _SPECIAL:
        return names.use(_SPECIAL[name], name)
    return names.of(annotation) or names.use("typing", "Any")


def _class(cls: type, names: Names) -> str:
    generic = getattr(cls, "__pydantic_generic_metadata__", None)
    if generic and generic["origin"] is not None:
        args = ", ".join(render(arg, names) for arg in generic["args"])
        return f"{_class(generic['origin'], names)}[{args}]"
    return names.of(cls) or names.use("typing", "Any")


def _generic(annotation: Any, origin: Any, names: Names) -> str:
    args = get_args(annotation)
    if origin is collections.abc.Callable:
        first, result = args[0], args[1]
        taken = "..." if first is ... else "[" + ", ".join(render(a, names) for a in first) + "]"
        return f"{names.use('collections.abc', 'Callable')}[{taken}, {render(result, names)}]"
    head = _class(origin, names) if isinstance(origin, type) else names.of(origin)
    if head is None:
        return names.use("typing", "Any")
    if origin is tuple and not args:
        return f"{head}[()]"
    return f"{head}[{', '.join(render(arg, names) for arg in args)}]" if args else head


def _literals(values: Iterable[Any], names: Names) -> Iterable[str]:
    for value in values:
        if isinstance(value, enum.Enum):
            yield f"{names.of(type(value))}.{value.name}"
        else:
            yield literal_text(value)


def literal_text(value: Any) -> str:
    """A literal with double quotes, on one line."""
    text = repr(value)
    if isinstance(value, (str, bytes)) and text.lstrip("b").startswith("'"):
        prefix, inner = ("b", text[2:-1]) if isinstance(value, bytes) else ("", text[1:-1])
        return f'{prefix}"' + inner.replace("\\'", "'").replace('"', '\\"') + '"'
    return text


def joined(parts: Iterable[str]) -> str:
    """A union of these texts, each alternative once and None last."""
    seen: dict[str, None] = {}
    for part in parts:
        for alternative in split_union(part):
            seen[alternative] = None
    optional = "None" in seen
    return " | ".join([*(part for part in seen if part != "None"), *(("None",) if optional else ())])


def split_union(text: str) -> list[str]:
    """The alternatives of a union, at its outermost level."""
    parts, depth, start, quote = [], 0, 0, ""
    for number, letter in enumerate(text):
        if quote:
            if letter == quote and text[number - 1] != "\\":
                quote = ""
        elif letter in "\"'":
            quote = letter
        elif letter in "[(":
            depth += 1
        elif letter in "])":
            depth -= 1
        elif letter == "|" and depth == 0:
            parts.append(text[start:number].strip())
            start = number + 1
    return [*parts, text[start:].strip()]


def without_none(text: str) -> str:
    """The same type without None."""
    return " | ".join(part for part in split_union(text) if part != "None") or "None"


# --- values --------------------------------------------------------------------------------------

_CONTAINERS: dict[type, str] = {list: "list", set: "set", frozenset: "frozenset"}


def type_of_value(value: Any, names: Names) -> str:
    """The type of a constant, as a checker would infer it from a plain assignment."""
    cls = type(value)
    if cls in _CONTAINERS:
        return f"{_CONTAINERS[cls]}[{_items(value, names)}]"
    if cls is dict:
        return f"dict[{_items(value, names)}, {_items(value.values(), names)}]"
    if cls is tuple:
        return f"tuple[{', '.join(type_of_value(item, names) for item in value) or '()'}]"
    return _type_of_special(value, names) or _type_of_object(cls, names)


def _type_of_object(cls: type, names: Names) -> str:
    found = names.of(cls)
    if found is None or "<locals>" in cls.__qualname__:
        return names.use("typing", "Any")
    count = len(getattr(cls, "__parameters__", ()))
    return f"{found}[{', '.join([names.use('typing', 'Any')] * count)}]" if count else found


def _type_of_special(value: Any, names: Names) -> str | None:
    from ..queries.manager import QueryManager

    found: str | None = None
    if value is None:
        found = "None"
    elif isinstance(value, type):
        found = f"type[{names.of(_importable(value))}]"
    elif isinstance(value, re.Pattern):
        found = f"{names.use('re', 'Pattern')}[{type_of_value(value.pattern, names)}]"
    elif isinstance(value, types.ModuleType):
        found = names.use("types", "ModuleType")
    elif isinstance(value, QueryManager) and names.of(type(value)) is None:
        # Made by as_manager(): no module has its class.
        found = f"{names.use('oxyde', 'QueryManager')}[{names.use('typing', 'Any')}]"
    elif isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType)):
        found = f"{names.use('collections.abc', 'Callable')}[..., {names.use('typing', 'Any')}]"
    return found


def _importable(cls: type[Any]) -> type[Any]:
    """The class itself, or the nearest of its bases that its module offers."""
    found = (base for base in cls.__mro__ if _is_offered(base))
    return next(found, object)


def _is_offered(cls: type[Any]) -> bool:
    return getattr(sys.modules.get(cls.__module__), cls.__qualname__, None) is cls


def _items(values: Iterable[Any], names: Names) -> str:
    return joined(sorted({type_of_value(item, names) for item in values})) or names.use("typing", "Any")
