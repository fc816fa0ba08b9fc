"""Resolving names in annotations: what Pydantic does, and where we look further.

Pydantic evaluates annotations in the class's module and in the namespace of the
class statement. A name that is missing there is looked for in the module's
globals as they are now (code run by `exec` has globals that no module owns),
among the registered tables, and last among the names of `typing` and our own.
"""

from __future__ import annotations

import builtins
import inspect
import sys
import typing
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any, ForwardRef, get_args

import typing_extensions
from pydantic.errors import PydanticUndefinedAnnotation

from .registry import find_tables

__all__ = ["Scope", "caller_namespace", "is_known", "missing_names_of", "rebuild", "scope_of"]

# Names that nobody gives to a model of their own, so they can be used at once.
_PLAIN_TYPING = frozenset(
    [
        "Annotated",
        "Any",
        "Callable",
        "ClassVar",
        "Dict",
        "Final",
        "FrozenSet",
        "List",
        "Literal",
        "Optional",
        "Set",
        "Tuple",
        "Type",
        "Union",
    ]
)
_OWN = ("Model", "Query", "QueryManager")
_ATTEMPTS = 100


class Scope:
    """What was visible where a class statement stood."""

    __slots__ = ("globals", "names")

    def __init__(self, names: dict[str, Any], globals_: dict[str, Any] | None) -> None:
        self.names = names
        self.globals = globals_  # None: the module's own, which Pydantic reads itself

    def namespace(self) -> dict[str, Any]:
        """The names, globals first where they belong to no module."""
        return {**(self.globals or {}), **self.names}


def _is_function(frame: FrameType) -> bool:
    return bool(frame.f_code.co_flags & inspect.CO_OPTIMIZED)


def _locals_outwards(frame: FrameType | None) -> Iterator[dict[str, Any]]:
    """Local namespaces from the innermost: enclosing class bodies, then the function, if any."""
    while frame is not None and frame.f_locals is not frame.f_globals:
        yield dict(frame.f_locals)
        if _is_function(frame):
            return
        frame = frame.f_back


def scope_of(frame: FrameType | None, module: str | None) -> Scope:
    """The scope of a class statement that runs in `frame`, or in a caller of it.

    Metaclasses derived from ours put their own frames in between; the statement is where
    the globals name the class's module.
    """
    candidate = frame
    while candidate is not None and candidate.f_globals.get("__name__", "builtins") != module:
        candidate = candidate.f_back
    frame = candidate if candidate is not None else frame
    names: dict[str, Any] = {}
    for local in _locals_outwards(frame):
        names = {**local, **names}
    if frame is None:
        return Scope(names, None)
    owner = sys.modules.get(module or "")
    own = owner is not None and getattr(owner, "__dict__", None) is frame.f_globals
    return Scope(names, None if own else frame.f_globals)


def caller_namespace(depth: int) -> dict[str, Any]:
    """Names visible in a frame further up, for rebuilding by hand."""
    try:
        frame: FrameType | None = sys._getframe(depth + 1)
    except ValueError:
        return {}
    names: dict[str, Any] = dict(frame.f_globals) if frame is not None else {}
    for local in reversed(list(_locals_outwards(frame))):
        names.update(local)
    return names


def _typing_name(name: str, everything: bool) -> Any:
    if everything or name in _PLAIN_TYPING:
        found = getattr(typing, name, None) or getattr(typing_extensions, name, None)
        if found is not None and (name in typing.__all__ or name in typing_extensions.__all__):
            return found
    if name == "Model":
        from .base import Model

        return Model
    if name in _OWN:
        from .. import queries

        return getattr(queries, name)
    return None


def _is_settled(cls: type[Any]) -> bool:
    """Whether nothing can be defined beside the class any more."""
    spec = getattr(sys.modules.get(cls.__module__), "__spec__", None)
    importing = spec is None or getattr(spec, "_initializing", False)
    return not importing and "<locals>" not in cls.__qualname__


def find_name(cls: type[Any], name: str, everything: bool) -> Any:
    """What a missing name means to a model; None if nothing or several things.

    While the model's module is being imported, or its function runs, the name may still be defined
    beside it: another module's class of that name would be the wrong one. So the registry is asked
    after that, or when everything is to be tried.
    """
    tables = find_tables(name, cls.__module__) if everything or _is_settled(cls) else []
    if len(tables) == 1:
        return tables[0]
    if tables:
        return None
    return _typing_name(name, everything)


def is_known(cls: type[Any], name: str) -> bool:
    """Whether it is worth trying again with a name that was missing; cheap, may err towards yes."""
    if not name.isidentifier():
        return True
    scope: Scope | None = cls.__dict__.get("__oxyde_scope__")
    owner = getattr(sys.modules.get(cls.__module__), "__dict__", {})
    known = name in owner or (scope is not None and name in (scope.globals or {}))
    return known or find_name(cls, name, False) is not None


def rebuild(cls: Any, namespace: Mapping[str, Any], *, everything: bool, force: bool = False) -> str | None:
    """Completes a model with further names; the name that is still missing, or None.

    Raises what Pydantic raises for annotations that it cannot build.
    """
    scope: Scope | None = cls.__dict__.get("__oxyde_scope__")
    names = {**(scope.namespace() if scope is not None else {}), **namespace}
    for _ in range(_ATTEMPTS):
        try:
            cls._rebuild_with(names, force)
        except PydanticUndefinedAnnotation as error:
            if not error.name or error.name in names:
                return error.name or "unknown"
            found = find_name(cls, error.name, everything)
            if found is None:
                return error.name
            names[error.name] = found
        else:
            return None
    return "unknown"


# --- names for messages ---------------------------------------------------------------


def _forward_texts(annotation: Any) -> Iterator[str]:
    if isinstance(annotation, str):
        yield annotation
    elif isinstance(annotation, ForwardRef):
        yield annotation.__forward_arg__
    else:
        for argument in get_args(annotation):
            yield from _forward_texts(argument)


def _names_in(text: str) -> tuple[str, ...]:
    try:
        code = compile(text, "<annotation>", "eval")
    except SyntaxError:
        return (text,)
    if not code.co_names and len(code.co_consts) == 1 and isinstance(code.co_consts[0], str):
        return _names_in(code.co_consts[0])  # quoted twice: by hand, and by the future import
    return code.co_names


def missing_names_of(cls: type[Any]) -> list[str]:
    """Names in the annotations of a model that nothing gives a meaning to."""
    scope: Scope | None = cls.__dict__.get("__oxyde_scope__")
    known = {**vars(builtins), **getattr(sys.modules.get(cls.__module__), "__dict__", {})}
    known.update(scope.namespace() if scope is not None else {})
    known[cls.__name__] = cls
    missing: dict[str, None] = {}
    for base in cls.__mro__:
        if "__pydantic_fields__" not in vars(base):
            continue
        annotations = typing_extensions.get_annotations(base, format=typing_extensions.Format.FORWARDREF)
        for annotation in annotations.values():
            for text in _forward_texts(annotation):
                for name in _names_in(text):
                    if name not in known and find_name(cls, name, True) is None:
                        missing[name] = None
    return list(missing)
