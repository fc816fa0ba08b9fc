"""Functions of the source as a stub shows them: the signature, `...` for the rest."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from ._annotations import joined
from ._names import Names

__all__ = ["Function", "expression_text", "function_lines", "kept_functions"]

Function = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def expression_text(node: ast.AST, source: str) -> str:
    """The node as written, if that is one line; else the same on one line."""
    text = ast.get_source_segment(source, node)
    return text if text is not None and "\n" not in text else ast.unparse(node)


def function_lines(node: Function, source: str, names: Names, *, in_class: bool) -> list[str]:
    """The lines of a function: decorators, signature, `...`."""
    lines = [f"@{expression_text(decorator, source)}" for decorator in node.decorator_list]
    body = _own(node)
    yields = any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in body)
    # An `async def` that yields returns its iterator without being awaited.
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) and not yields else "def"
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
    parameters = ", ".join(_parameters(node.args, source, names, bound=in_class and not static))
    type_params = getattr(node, "type_params", [])
    generic = f"[{', '.join(expression_text(p, source) for p in type_params)}]" if type_params else ""
    result = (
        expression_text(node.returns, source)
        if node.returns is not None
        else _result(node, body, yields, names)
    )
    return [*lines, f"{word} {node.name}{generic}({parameters}) -> {result}: ..."]


def _own(node: Function) -> list[ast.AST]:
    """What the body consists of, without the bodies of functions inside it."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        part = waiting.pop()
        found.append(part)
        if not isinstance(part, _SCOPES):
            waiting.extend(ast.iter_child_nodes(part))
    return found


def _parameters(args: ast.arguments, source: str, names: Names, *, bound: bool) -> Iterator[str]:
    positional = [*args.posonlyargs, *args.args]
    required = len(positional) - len(args.defaults)
    for number, arg in enumerate(positional):
        default = args.defaults[number - required] if number >= required else None
        first = bound and number == 0
        yield arg.arg if first and arg.annotation is None else _parameter(arg, default, source, names)
        if args.posonlyargs and number == len(args.posonlyargs) - 1:
            yield "/"
    if args.vararg is not None:
        yield f"*{_parameter(args.vararg, None, source, names)}"
    elif args.kwonlyargs:
        yield "*"
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        yield _parameter(arg, default, source, names)
    if args.kwarg is not None:
        yield f"**{_parameter(args.kwarg, None, source, names)}"


def _parameter(arg: ast.arg, default: ast.expr | None, source: str, names: Names) -> str:
    if arg.annotation is not None:
        type_ = expression_text(arg.annotation, source)
    else:
        type_ = _constant(default, names) or names.use("typing", "Any")
    return f"{arg.arg}: {type_}" if default is None else f"{arg.arg}: {type_} = ..."


def _constant(node: ast.expr | None, names: Names) -> str | None:
    if isinstance(node, ast.JoinedStr):
        return "str"
    if isinstance(node, ast.Constant) and node.value is not None and node.value is not ...:
        return names.of(type(node.value))
    return None


# Methods that Python calls, by what they have to return.
_KNOWN_RESULTS = {
    **dict.fromkeys(("__str__", "__repr__", "__format__"), "str"),
    **dict.fromkeys(("__len__", "__hash__", "__index__", "__int__"), "int"),
    **dict.fromkeys(("__bool__", "__contains__", "__eq__", "__ne__", "__lt__", "__le__"), "bool"),
}


def _result(node: Function, body: Iterable[ast.AST], yields: bool, names: Names) -> str:
    """The return type of a function that states none, where its body makes it plain."""
    anything = names.use("typing", "Any")
    if node.name in _KNOWN_RESULTS:
        return _KNOWN_RESULTS[node.name]
    if yields:
        kind = "AsyncIterator" if isinstance(node, ast.AsyncFunctionDef) else "Iterator"
        return f"{names.use('collections.abc', kind)}[{anything}]"
    returned = [part.value for part in body if isinstance(part, ast.Return)]
    if not any(value is not None for value in returned):
        return anything if _is_unfinished(node) and not node.name.startswith("__") else "None"
    if all(isinstance(value, ast.Name) and value.id == "self" for value in returned):
        return names.use("typing_extensions", "Self")
    found = [
        "None" if value is None or _is_none(value) else _constant(value, names) or anything
        for value in returned
    ]
    return anything if anything in found else joined(sorted(found))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_unfinished(node: Function) -> bool:
    """Whether the body is `...` or an error: what subclasses return is not said here."""
    body = [s for s in node.body if not (isinstance(s, ast.Expr) and _is_text(s.value))]
    return bool(body) and all(
        isinstance(s, ast.Raise) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in body
    )


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def kept_functions(body: Iterable[ast.stmt]) -> set[int]:
    """Ids of the functions a stub shows: where there are overloads, these and not the implementation."""
    overloaded: set[str] = set()
    kept: set[int] = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if any(_is_overload(decorator) for decorator in node.decorator_list):
                overloaded.add(node.name)
                kept.add(id(node))
            elif node.name not in overloaded:
                kept.add(id(node))
    return kept


def _is_overload(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id == "overload") or (
        isinstance(node, ast.Attribute) and node.attr == "overload"
    )
