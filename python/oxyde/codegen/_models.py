"""Table models: the class, its columns, its query and its managers."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from ..models.base import Model
from ..queries.query import Query
from ._classes import class_header, flat, member_lines
from ._fields import FieldFacts, allows_extra, fields_of
from ._functions import Function, function_lines, kept_functions
from ._names import Names
from ._queries import Generated, ManagerFacts, Subject, alias_lines, class_parts, managers_of
from ._source import class_source

__all__ = ["is_table", "model_lines", "model_parts"]


def is_table(value: Any) -> bool:
    """Whether it is a table model."""
    return (
        isinstance(value, type)
        and issubclass(value, Model)
        and value is not Model
        and value._db_meta.is_table
    )


def model_lines(model: Any, names: Names) -> list[str]:
    """The class of a table model and its query and manager classes."""
    parts = [*model_parts(model, names)]
    return [line for number, part in enumerate(parts) for line in (["", ""] if number else []) + part]


def model_parts(model: Any, names: Names) -> Iterator[list[str]]:
    """The model's class, then what stands beside it, at the top of the module also for nested classes."""
    names.shadowed = _attributes(model)
    fields = fields_of(model, names)
    text = names.of(model) or model.__name__
    aliases, chosen = alias_lines(model.__name__, fields, names)
    queries, generated = _generated_names(model.__name__, managers_of(model), names)
    yield _class(model, class_source(model), fields, generated, names)
    names.shadowed = frozenset()
    yield aliases
    subject = Subject(text, fields, chosen)
    for query, query_name in queries.items():
        managers = [
            Generated(
                generated[facts.attribute],
                facts.manager,
                tuple(_copied_methods(facts, text, query_name, names)),
            )
            for facts in managers_of(model)
            if facts.query is query
        ]
        shared = _free(f"_{query_name.lstrip('_')}Methods", names)
        yield from class_parts(shared, Generated(query_name, query), managers, subject, names)


def _generated_names(
    name: str, managers: Iterable[ManagerFacts], names: Names
) -> tuple[dict[type[Any], str], dict[str, str]]:
    """Names of the query classes, by what they come from, and of the managers, by attribute."""
    queries: dict[type[Any], str] = {}
    generated: dict[str, str] = {}
    for facts in managers:
        word = name if facts.attribute == "objects" else f"{name}{_camel(facts.attribute)}"
        if facts.query not in queries:
            queries[facts.query] = _free(f"{word}Query", names)
        generated[facts.attribute] = _free(f"{word}Manager", names)
    return queries, generated


def _camel(attribute: str) -> str:
    return "".join(word.title() for word in attribute.split("_"))


def _free(name: str, names: Names) -> str:
    """The name, or with an underscore in front where the source has a class called so."""
    while name in names.bound:
        name = f"_{name}"
    return name


def _attributes(model: Any) -> frozenset[str]:
    """Names that the body of the class binds."""
    found = set(model.__pydantic_fields__)
    for cls in model.__mro__[: model.__mro__.index(Model)]:
        found.update(name for name in vars(cls) if not name.startswith("__"))
    return frozenset(found)


def _class(
    model: Any,
    found: tuple[ast.ClassDef, str] | None,
    fields: list[FieldFacts],
    managers: dict[str, str],
    names: Names,
) -> list[str]:
    body: list[str] = []
    members: list[str] = []
    skip = frozenset({*model.__pydantic_fields__, *managers})
    own_init = False
    if found is None:
        bases = ", ".join(names.of(base) or names.use("oxyde", "Model") for base in model.__bases__)
        header = [f"class {model.__name__}({bases}):"]
        body += ["class Meta:", "    is_table: bool"]
    else:
        node, source = found
        header = class_header(node, source)
        for part in flat(node.body):
            lines = member_lines(part, node, model, source, names, skip=skip)
            first = isinstance(part, ast.ClassDef) or "model_config" in "".join(lines[:1])
            (body if first else members).extend(lines)
            own_init = own_init or (isinstance(part, ast.FunctionDef) and part.name == "__init__")
    body += [_declared(field, names, again=_in_plain_base(model, field.name)) for field in fields]
    if not own_init:
        body.append(_constructor(model, fields, names))
    body += members
    class_var = names.use("typing", "ClassVar")
    body += [f"{attribute}: {class_var}[{manager}]" for attribute, manager in managers.items()]
    body += _columns(model, fields, names)
    return header + [f"    {line}" for line in body]


def _declared(field: FieldFacts, names: Names, *, again: bool) -> str:
    """The attribute; `again`: a base that is no table has it, with a default."""
    default = " = ..." if again and not field.required else ""
    return f"{field.name}: {_descriptor(field, names)}{default}"


def _descriptor(field: FieldFacts, names: Names) -> str:
    if field.kind == "column":
        return f"{names.use('oxyde.typing', 'Attr')}[{field.type}]"
    if field.kind == "many":
        return f"{names.use('oxyde.typing', 'ManyAttr')}[{field.target}]"
    return f"{names.use('oxyde.typing', 'ForeignAttr')}[{field.type}]"


def _in_plain_base(model: Any, name: str) -> bool:
    return any(
        name in getattr(base, "__pydantic_fields__", {}) and not is_table(base) for base in model.__bases__
    )


def _constructor(model: Any, fields: list[FieldFacts], names: Names) -> str:
    required = [f"{f.name}: {f.initial}" for f in fields if f.required]
    optional = [
        f"{name}: {field.initial} = ..." for field in fields if not field.required for name in field.accepted
    ]
    parameters = [*required, *optional]
    if parameters:
        parameters.insert(0, "*")
    if allows_extra(model):
        parameters.append(f"**kwargs: {names.use('typing', 'Any')}")
    return f"def __init__({', '.join(['self', *parameters])}) -> None: ..."


def _columns(model: Any, fields: list[FieldFacts], names: Names) -> list[str]:
    """What a relation to this model continues with: `Crate.orchard.town`."""
    lines = [
        f"class _Columns({names.use('oxyde.typing', 'RelationColumn')}[{names.of(model) or model.__name__}]):"
    ]
    for field in fields:
        if field.kind == "column":
            text = f"{names.use('oxyde.typing', 'Column')}[{field.type}]"
        elif field.kind == "many":
            text = f"{names.use('oxyde.typing', 'RelationColumn')}[{field.target}]"
        else:
            text = f"{names.use('oxyde.typing', 'ForeignPath')}[{field.type}]"
        lines.append(f"    {field.name}: {text}")
    return [*lines, "@property", "def __columns__(self) -> _Columns: ..."]


def _copied_methods(facts: ManagerFacts, model: str, query_name: str, names: Names) -> list[str]:
    """Methods of the query class that a manager made by as_manager() has too."""
    if not facts.from_query:
        return []
    lines: list[str] = []
    for cls in facts.query.__mro__[: facts.query.__mro__.index(Query)]:
        found = class_source(cls)
        if found is None:
            continue
        rename = _Rename(query_name, cls, model, names)
        kept = kept_functions(flat(found[0].body))
        for part in flat(found[0].body):
            if (
                isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))
                and id(part) in kept
                and not part.name.startswith("_")
            ):
                copied, text = _renamed(part, rename)
                lines += function_lines(copied, text, names, in_class=True)
    return lines


class _Rename(ast.NodeTransformer):
    """Annotations of a query's methods as they stand in the module of a model that uses it.

    Its own class and `Self` are the model's query, its type variables the model; other names are
    looked up where the query is defined.
    """

    def __init__(self, query: str, cls: type[Any], model: str, names: Names) -> None:
        self.query = query
        self.cls = cls
        self.model = model
        self.names = names

    def _is_own(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id in ("Self", self.cls.__name__)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if self._is_own(node.value):
            return ast.Name(self.query, ast.Load())
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if self._is_own(node):
            return ast.Name(self.query, ast.Load())
        value = getattr(sys.modules.get(self.cls.__module__), node.id, None)
        if isinstance(value, TypeVar):
            return ast.Name(self.model, ast.Load())
        if value is None or self.cls.__module__ == getattr(self.names.module, "__name__", None):
            return node
        module = getattr(value, "__module__", None)
        text = self.names.use("typing", node.id) if module == "typing" else self.names.of(value)
        return node if text is None else ast.parse(text, mode="eval").body

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str):
            return self.visit(ast.parse(node.value, mode="eval").body)  # type: ignore[no-any-return]
        return node


def _renamed(node: Function, rename: _Rename) -> tuple[Function, str]:
    """A copy with its annotations renamed, and its text."""
    copied: Any = ast.parse(ast.unparse(node)).body[0]
    copied.decorator_list = []
    if copied.returns is not None:
        copied.returns = rename.visit(copied.returns)
    for arg in ast.walk(copied.args):
        if isinstance(arg, ast.arg) and arg.annotation is not None:
            arg.annotation = rename.visit(arg.annotation)
    text = ast.unparse(ast.fix_missing_locations(copied))
    again: Any = ast.parse(text).body[0]
    return again, text
