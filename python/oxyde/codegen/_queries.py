"""The query and manager classes of a model."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..queries.manager import QueryManager
from ..queries.query import Query
from ._annotations import literal_text
from ._fields import FieldFacts
from ._names import Names
from ._parameters import column_names, filter_parameters, value_parameters
from ._templates import OWN_PARAMETERS, TEMPLATES

__all__ = ["Generated", "ManagerFacts", "Subject", "alias_lines", "class_parts", "managers_of"]


@dataclass(frozen=True)
class ManagerFacts:
    """A manager of a model: its attribute, and the classes that it and its queries come from."""

    attribute: str
    manager: type[Any]
    query: type[Any]
    from_query: bool


def managers_of(model: Any) -> list[ManagerFacts]:
    """The managers of a model, `objects` first."""
    found = {"objects": model.objects, **vars(model)["__oxyde_managers__"]}
    return [_facts(name, manager) for name, manager in found.items()]


def _facts(name: str, manager: Any) -> ManagerFacts:
    cls = type(manager)
    query = cls._query_class
    # Made by as_manager(): a class that no module knows.
    from_query = (
        query is not Query and "_query_class" in vars(cls) and cls.__module__ == QueryManager.__module__
    )
    if cls.get_query is not QueryManager.get_query:
        query = _returned_query(cls) or query
    return ManagerFacts(name, QueryManager if from_query else cls, query, from_query)


def _returned_query(manager: type[Any]) -> type[Any] | None:
    """The query class that an overridden get_query() is annotated with."""
    try:
        found = typing.get_type_hints(manager.get_query).get("return")
    except NameError:  # the annotation names what only a checker sees
        return None
    found = typing.get_origin(found) or found
    return found if isinstance(found, type) and issubclass(found, Query) and found is not Query else None


def base_text(cls: type[Any], model: str, names: Names) -> str:
    """The base class, with the model where it takes one."""
    text = names.of(cls) or names.use("oxyde", "QueryManager" if issubclass(cls, QueryManager) else "Query")
    return f"{text}[{model}]" if getattr(cls, "__parameters__", ()) else text


@dataclass(frozen=True)
class Subject:
    """What the classes of a model are written for; `aliases`: of its names for selections and orders."""

    model: str
    fields: list[FieldFacts]
    aliases: tuple[str, str]


@dataclass(frozen=True)
class Generated:
    """A query class or a manager class; `further`: lines of custom methods it also has."""

    name: str
    base: type[Any]
    further: tuple[str, ...] = ()

    @property
    def is_manager(self) -> bool:
        return issubclass(self.base, QueryManager)

    @property
    def custom(self) -> set[str]:
        """Methods that depend on the model and are the user's own."""
        root = QueryManager if self.is_manager else Query
        own = {
            attribute
            for cls in self.base.__mro__[: self.base.__mro__.index(root)]
            for attribute in vars(cls)
            if attribute in TEMPLATES
        }
        return own.union(re.findall(r"def (\w+)\(", "\n".join(self.further)))


def class_parts(
    shared: str, query: Generated, managers: Iterable[Generated], subject: Subject, names: Names
) -> Iterator[list[str]]:
    """A query class and its managers, behind a class of the methods that all of them have.

    Most of a stub is parameters of these methods, so they stand there once.
    """
    classes = [query, *managers]
    methods = _methods(subject, query.name, names)
    apart = set().union(*(generated.custom for generated in classes))
    common = [line for method, lines in methods.items() if method not in apart for line in lines]
    yield [f"class {shared}:", *(f"    {line}" for line in common)]
    for generated in classes:
        body = [line for method in methods if method in apart - generated.custom for line in methods[method]]
        if generated.is_manager:
            body = [
                f"def query(self) -> {query.name}: ...",
                f"def get_query(self) -> {query.name}: ...",
                *body,
            ]
        bases = f"{shared}, {base_text(generated.base, subject.model, names)}"
        lines = [*body, *generated.further] or ["..."]
        yield [f"class {generated.name}({bases}):", *(f"    {line}" for line in lines)]


def _methods(subject: Subject, query: str, names: Names) -> dict[str, list[str]]:
    """The lines of each method that depends on the model."""
    words = _words(subject, query, names)
    found = {
        method: [*_method(method, signatures, words, subject.fields, names)]
        for method, signatures in TEMPLATES.items()
    }
    for method, function in _other_builders():
        found[method] = [f"def {method}{_builder_parameters(function, names)} -> {query}: ..."]
    return found


def _words(subject: Subject, query: str, names: Names) -> dict[str, str]:
    anything = names.use("typing", "Any")
    return {
        "Any": anything,
        "Literal": names.use("typing", "Literal"),
        "Mapping": names.use("collections.abc", "Mapping"),
        "Iterable": names.use("collections.abc", "Iterable"),
        "AsyncIterator": names.use("collections.abc", "AsyncIterator"),
        "A": f"{names.use('collections.abc', 'Coroutine')}[{anything}, {anything}, ",
        "S": names.use("oxyde.typing", "TSchema"),
        "ValuesQuery": names.use("oxyde.queries", "ValuesQuery"),
        "ValuesListQuery": names.use("oxyde.queries", "ValuesListQuery"),
        "FlatValuesListQuery": names.use("oxyde.queries", "FlatValuesListQuery"),
        "route": f"using: str | None = None, client: {anything} = None",
        "M": subject.model,
        "Q": query,
        "F": subject.aliases[0],
        "O": subject.aliases[1],
    }


def _method(
    method: str, signatures: tuple[str, ...], words: dict[str, str], fields: list[FieldFacts], names: Names
) -> Iterator[str]:
    own = OWN_PARAMETERS.get(method, ())
    parts = dict(words)
    for signature in signatures:
        if "{filter}" in signature and "filter" not in parts:
            parts["filter"] = "".join(f"{p}, " for p in filter_parameters(fields, names, but=own))
        for kind in ("create", "update"):
            if f"{{{kind}}}" in signature and kind not in parts:
                listed = value_parameters(fields, names, computed=kind == "update", but=own)
                parts[kind] = ", ".join(listed)
        if len(signatures) > 1:
            yield f"@{names.use('typing', 'overload')}"
        yield f"def {method}{_awaited(signature).format(**parts)}: ..."


def _awaited(signature: str) -> str:
    """`{A}[T]` is a coroutine that gives T."""
    return signature.replace("{A}[", "{A}")


def _other_builders() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Builders that depend on no field: they keep their parameters."""
    for name, function in inspect.getmembers(Query, inspect.isroutine):
        depends = name.startswith("_") or name in TEMPLATES
        if not depends and function.__annotations__.get("return") == "Self":
            yield name, function


def _builder_parameters(function: Callable[..., Any], names: Names) -> str:
    scope: dict[str, Any] = getattr(function, "__globals__", {})
    parameters = []
    for parameter in inspect.signature(function).parameters.values():
        annotation = parameter.annotation
        if isinstance(annotation, str):
            words = re.split(r"([A-Za-z_]\w*)", annotation)
            annotation = _Text("".join(_resolved(word, scope, names) for word in words))
        parameters.append(parameter.replace(annotation=annotation))
    return str(inspect.Signature(parameters))


class _Text:
    """An annotation that shows as its text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _resolved(name: str, scope: dict[str, Any], names: Names) -> str:
    value = scope.get(name)
    module = getattr(value, "__module__", None)
    if value is None or module is None:
        return name
    return names.use("typing", name) if module == "typing" else names.of(value) or name


def alias_lines(model: str, fields: list[FieldFacts], names: Names) -> tuple[list[str], tuple[str, str]]:
    """Aliases for the names of a model's fields, and of its terms of order."""
    alias, literal = names.use("typing_extensions", "TypeAlias"), names.use("typing", "Literal")
    computed = names.use("oxyde.typing", "Expr")
    chosen = column_names(fields)
    terms = [term for name in chosen for term in (name, f"-{name}")]
    lines = []
    for word, values in (("Field", chosen), ("Order", terms)):
        listed = ", ".join(literal_text(value) for value in values)
        lines.append(f"_{model}{word}: {alias} = {literal}[{listed}] | str | {computed}")
    return lines, (f"_{model}Field", f"_{model}Order")
