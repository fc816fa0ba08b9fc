"""Classes of the source as a stub shows them: enumerations as they are, others without bodies."""

from __future__ import annotations

import ast
import dataclasses
import enum
import textwrap
import typing
from collections.abc import Iterable, Iterator
from typing import Any

import pydantic
import typing_extensions

from ..queries.manager import QueryManager
from ._annotations import type_of_value
from ._functions import Function, expression_text, function_lines, kept_functions
from ._names import Names

__all__ = ["class_header", "class_stub", "flat", "is_type_definition", "member_lines"]

_MISSING = object()
_VERBATIM = frozenset({"model_config", "__slots__", "__match_args__"})
_DEFINITIONS: tuple[Any, ...] = tuple(
    {
        kind
        for module in (typing, typing_extensions)
        for name in ("TypeVar", "ParamSpec", "TypeVarTuple", "NewType", "TypeAliasType")
        if (kind := getattr(module, name, None)) is not None
    }
)


def is_type_definition(value: Any) -> bool:
    """Whether it is a `TypeVar`, a `NewType` or the like, which checkers read from its call."""
    return isinstance(value, _DEFINITIONS)


def flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements, those under `if TYPE_CHECKING:` included."""
    for node in body:
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            yield from flat(node.body)
        else:
            yield node


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def class_header(node: ast.ClassDef, source: str) -> list[str]:
    """Decorators, name, bases and keywords, as written."""
    lines = [f"@{expression_text(decorator, source)}" for decorator in node.decorator_list]
    bases = [expression_text(base, source) for base in node.bases]
    for item in node.keywords:
        text = expression_text(item.value, source)
        bases.append(f"{item.arg}={text}" if item.arg else f"**{text}")
    params = getattr(node, "type_params", [])
    generic = f"[{', '.join(expression_text(p, source) for p in params)}]" if params else ""
    return [*lines, f"class {node.name}{generic}{'(' + ', '.join(bases) + ')' if bases else ''}:"]


def verbatim(node: ast.stmt, source: str) -> list[str]:
    """The statement with its decorators as written."""
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    lines = source.splitlines()[first - 1 : node.end_lineno]
    return textwrap.dedent("\n".join(lines)).splitlines()


def class_stub(node: ast.ClassDef, cls: Any, source: str, names: Names) -> list[str]:
    """The lines of a class that is no table, or of a table inside another class."""
    if cls in names.nested:
        return names.nested[cls]
    if isinstance(cls, type) and issubclass(cls, enum.Enum):
        return verbatim(node, source)
    body: list[str] = []
    for part in flat(node.body):
        body += member_lines(part, node, cls, source, names)
    if isinstance(cls, type) and not _has_fields(cls):
        body += _instance_attributes(node, source, names)
    lines = class_header(node, source)
    if not body:
        return [*lines[:-1], f"{lines[-1]} ..."]
    return lines + [f"    {line}" for line in body]


def _has_fields(cls: Any) -> bool:
    """Whether annotations in the class body are fields, with defaults that count."""
    return isinstance(cls, type) and (
        dataclasses.is_dataclass(cls)
        or issubclass(cls, pydantic.BaseModel)
        or hasattr(cls, "__attrs_attrs__")
        or (issubclass(cls, tuple) and hasattr(cls, "_fields"))
    )


def member_lines(
    part: ast.stmt,
    owner: ast.ClassDef,
    cls: Any,
    source: str,
    names: Names,
    *,
    skip: frozenset[str] = frozenset(),
) -> list[str]:
    """The lines of one statement of a class body; nothing for the names in `skip`."""
    lines: list[str] = []
    if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
        if part.name not in skip and id(part) in kept_functions(flat(owner.body)):
            lines = function_lines(part, source, names, in_class=True)
    elif isinstance(part, ast.ClassDef):
        lines = class_stub(part, vars(cls).get(part.name) if cls else None, source, names)
    elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
        lines = [] if part.target.id in skip else [_annotated(part, cls, source)]
    elif isinstance(part, ast.Assign):
        for name in _targets(part):
            lines += [] if name in skip else _assigned(part, name, cls, source, names)
    elif type(part).__name__ == "TypeAlias":  # Python 3.12
        lines = verbatim(part, source)
    return lines


def _targets(part: ast.Assign) -> Iterator[str]:
    for target in part.targets:
        for name in ast.walk(target):
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                yield name.id


def _annotated(part: ast.AnnAssign, cls: Any, source: str) -> str:
    text = f"{expression_text(part.target, source)}: {expression_text(part.annotation, source)}"
    if part.value is None:
        return text
    if "TypeAlias" in text or (text.endswith("Final") and isinstance(part.value, ast.Constant)):
        return f"{text} = {expression_text(part.value, source)}"
    if not _has_fields(cls) or "ClassVar" in text or text.startswith("_"):
        return text
    # Whether there is a default, and which name the constructor takes, is read from the call.
    value = expression_text(part.value, source) if isinstance(part.value, ast.Call) else "..."
    return f"{text} = {value}"


def _assigned(part: ast.Assign, name: str, cls: Any, source: str, names: Names) -> list[str]:
    value = vars(cls).get(name, _MISSING) if cls is not None else _MISSING
    if name in _VERBATIM or is_type_definition(value):
        return verbatim(part, source)
    if isinstance(value, QueryManager):
        return [f"{name}: {names.use('typing', 'ClassVar')}[{type_of_value(value, names)}]"]
    if isinstance(value, type) and not isinstance(part.value, ast.Call):
        return [f"{name} = {expression_text(part.value, source)}"]
    if value is _MISSING:
        found = _constant_type(part.value, names)
        return [f"{name}: {found}"]
    return [f"{name}: {type_of_value(value, names)}"]


def _constant_type(node: ast.expr, names: Names) -> str:
    try:
        return type_of_value(ast.literal_eval(node), names)
    except ValueError:
        return names.use("typing", "Any")


def _instance_attributes(node: ast.ClassDef, source: str, names: Names) -> Iterator[str]:
    """Attributes that methods set on `self`; a stub has no bodies to find them in."""
    declared = set()
    for part in node.body:
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
            declared.add(part.name)
        elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            declared.add(part.target.id)
        elif isinstance(part, ast.Assign):
            declared.update(_targets(part))
    for method in node.body:
        if not isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) or not method.args.args:
            continue
        for statement in ast.walk(method):
            for attribute, type_ in _set_on_self(statement, method, source, names):
                if attribute not in declared:
                    declared.add(attribute)
                    yield f"{attribute}: {type_}"


def _set_on_self(part: ast.AST, method: Function, source: str, names: Names) -> Iterator[tuple[str, str]]:
    own = method.args.args[0].arg
    if isinstance(part, ast.AnnAssign) and _is_attribute(part.target, own):
        yield part.target.attr, expression_text(part.annotation, source)  # type: ignore[union-attr]
    elif isinstance(part, ast.Assign):
        for target in part.targets:
            for place, value in _pairs(target, part.value):
                if _is_attribute(place, own):
                    type_ = names.use("typing", "Any")
                    if value is not None:
                        type_ = _type_of_expression(value, method, source, names)
                    yield place.attr, type_  # type: ignore[attr-defined]


def _pairs(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Each place of an assignment with its value; None where the value has no such parts."""
    if not isinstance(target, (ast.Tuple, ast.List)):
        yield target, value
        return
    parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
    alike = len(parts) == len(target.elts) and not any(
        isinstance(part, ast.Starred) for part in (*parts, *target.elts)
    )
    for number, place in enumerate(target.elts):
        yield from _pairs(place, parts[number] if alike else None)


def _is_attribute(node: ast.expr, own: str) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == own


def _type_of_expression(node: ast.expr, method: Function, source: str, names: Names) -> str:
    if isinstance(node, ast.Name):
        for arg in [*method.args.posonlyargs, *method.args.args, *method.args.kwonlyargs]:
            if arg.arg == node.id and arg.annotation is not None:
                return expression_text(arg.annotation, source)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        made = getattr(names.module, node.func.id, None)
        if isinstance(made, type) and not getattr(made, "__parameters__", ()):
            return node.func.id
    return _constant_type(node, names)
