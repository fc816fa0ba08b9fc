"""`as_=`: rows as instances of a Pydantic class, which says what is selected."""

from __future__ import annotations

from typing import Any, NamedTuple, get_args, get_origin

import pydantic

from .._core import DO_SELECT, MODE_DICTS, MODE_MODELS, SINK_LIST, operation
from ..exceptions import FieldError, FieldLookupError
from ._fields import column_fields, key_fields
from .prefetch import Prefetch

__all__ = ["read_as"]

# As rows are loaded: by field name, whatever is set for input from outside.
_LAX: dict[str, Any] = {"strict": False, "by_alias": False, "by_name": True}


class _Projection(NamedTuple):
    """A schema class over a query: names of columns and annotations, and what lies in relations."""

    names: tuple[str, ...]
    nested: dict[str, _Projection]


async def read_as(query: Any, schema: Any, sink: int, **options: Any) -> Any:
    """A terminal that reads rows as instances of `schema`."""
    if not (isinstance(schema, type) and issubclass(schema, pydantic.BaseModel)):
        raise TypeError(f"as_ takes a Pydantic class, not {schema!r}")
    if not schema.__pydantic_complete__:
        schema.model_rebuild()
    projected, projection = _project(query, schema)
    result = await operation(DO_SELECT, projected, sink, **options)
    validate = schema.__pydantic_validator__.validate_python
    if result is None:
        return None
    rows = result if sink == SINK_LIST else [result]
    if projection.nested:
        rows = [_values(row, projection) for row in rows]
    made = [validate(row, **_LAX) for row in rows]
    return made if sink == SINK_LIST else made[0]


def _project(query: Any, schema: type[pydantic.BaseModel]) -> tuple[Any, _Projection]:
    """The query for what the class needs and nothing else."""
    model = query._model
    named = {**(query._annotations or {}), **(query._exprs or {})}
    known = {*column_fields(model), *named}
    relations = model._db_meta.relation_fields
    names: list[str] = []
    related: dict[str, type[pydantic.BaseModel]] = {}
    for name, field in schema.model_fields.items():
        if name in known:
            names.append(name)
        elif name in relations:
            related[name] = _class_of(schema, name, field.annotation)
        elif field.is_required():
            raise _no_source(query, schema, name, known)
    if not names and not related:
        raise FieldError(f"{schema.__name__} has no field that {model.__name__} has")
    if related:
        return _with_relations(query, tuple(names), related)
    exprs = {name: expr for name, expr in (query._exprs or {}).items() if name in names}
    fields = tuple(name for name in names if name not in exprs)
    changed = query._with(mode=MODE_DICTS, fields=fields, exprs=exprs or None, deferred=None, prefetches=None)
    return changed, _Projection(tuple(names), {})


def _with_relations(
    query: Any, names: tuple[str, ...], related: dict[str, type[pydantic.BaseModel]]
) -> tuple[Any, _Projection]:
    """Related rows come by prefetch: of their columns only, too."""
    if query._mode != MODE_MODELS:
        raise FieldLookupError(
            f"{query._model.__name__}: {next(iter(related))!r} cannot be read after values() or values_list()"
        )
    asked = {entry.path: entry for entry in query._prefetches or ()}
    entries = [entry for path, entry in asked.items() if path.partition("__")[0] not in related]
    nested: dict[str, _Projection] = {}
    for name, schema in related.items():
        entry = asked.get(name, Prefetch(name))
        inner, nested[name] = _project(_query_of(query._model, name, entry), schema)
        entries.append(Prefetch(name, inner._with(mode=MODE_MODELS), limit=entry.limit))
    # Annotations are not selected by name in models: they come along.
    columns = tuple(name for name in names if name not in (query._annotations or {}))
    fields = columns or key_fields(query._model)
    changed = query._with(fields=fields, deferred=None, prefetches=tuple(entries))
    return changed, _Projection(names, nested)


def _query_of(model: Any, name: str, entry: Prefetch) -> Any:
    from ..models._relations import relation_of
    from .query import Query

    if entry.queryset is not None:
        return entry.queryset
    spec = relation_of(model, name)
    assert spec is not None
    return Query(spec.target)


def _class_of(schema: type[pydantic.BaseModel], name: str, annotation: Any) -> type[pydantic.BaseModel]:
    """The class that stands for related rows: `Out`, `Out | None`, `list[Out]`."""
    parts = [annotation]
    while parts:
        part = parts.pop()
        if isinstance(part, type) and get_origin(part) is None and issubclass(part, pydantic.BaseModel):
            return part
        parts += [arg for arg in get_args(part) if arg is not type(None)]
    raise TypeError(f"{schema.__name__}.{name} stands for a relation; annotate it with a Pydantic class")


def _no_source(query: Any, schema: Any, name: str, known: set[str]) -> FieldError:
    from ..models._unknown import near_misses

    near = near_misses(name, known)
    return FieldError(
        f"{schema.__name__}.{name} has no source: {query._model.__name__} has no such field, "
        f"and the query no such annotation{near}"
    )


def _values(row: Any, projection: _Projection) -> dict[str, Any]:
    """What the class is made of, from a model with its relations loaded."""
    found = row.__dict__
    values = {name: found[name] for name in projection.names}
    for name, inner in projection.nested.items():
        related = found[name]
        if isinstance(related, list):
            values[name] = [_values(one, inner) for one in related]
        else:
            values[name] = None if related is None else _values(related, inner)
    return values
