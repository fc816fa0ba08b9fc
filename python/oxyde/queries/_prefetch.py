"""`prefetch()`: from paths to a tree, from the tree to statements, from their rows to attributes."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, NamedTuple

from .. import _core
from .._core import (
    DO_SELECT,
    REL_FORWARD,
    REL_REVERSE_ONE,
    SINK_LINKED,
    SINK_LIST,
    Links,
    flight,
    operation,
    related_rows,
)
from ..exceptions import FieldLookupError, NotSupportedError
from ._flight import together
from .expressions import name_of
from .prefetch import Prefetch, path_of

__all__ = ["Loading", "entries_of", "one_alias", "read_and_load"]

# Keys of one statement. A list of single values travels as one array, row values are parameters each.
_MOST_KEYS = 20_000
_MOST_ROW_VALUES = 1024
# Statements of a transaction that are sent before the first is answered. Their texts and keys are in
# memory together; PostgreSQL's driver takes up to 32.
_MOST_IN_FLIGHT = 16


# --- names: what prefetch() was given ---------------------------------------------------


class _Branch:
    """One relation of the tree, under the name of the attribute that it fills."""

    __slots__ = ("branches", "entry", "name")

    def __init__(self, name: str) -> None:
        self.name = name  # of the relation
        self.entry: Prefetch | None = None  # what is said about it beyond its name
        self.branches: _Tree = {}


_Tree = dict[str, _Branch]


def entries_of(paths: Iterable[Any], before: Iterable[Prefetch] = ()) -> tuple[Prefetch, ...]:
    """The arguments of `prefetch()` behind those of earlier calls; checked against each other."""
    entries = (
        *before,
        *(path if isinstance(path, Prefetch) else Prefetch(path_of(path)) for path in paths),
    )
    _tree(entries)
    return entries


def _tree(entries: Iterable[Prefetch], into: _Tree | None = None) -> _Tree:
    """The entries as a tree; two that contradict each other are a ValueError."""
    tree: _Tree = {} if into is None else into
    for entry in entries:
        *way, last = entry.path.split("__")
        level = tree
        for segment in way:
            level = level.setdefault(segment, _Branch(segment)).branches
        branch = level.setdefault(entry.to_attr or last, _Branch(last))
        if entry.is_plain:
            continue
        if branch.entry is not None and not (branch.entry.loads_like(entry) and branch.name == last):
            where = f"to_attr={entry.to_attr!r}" if entry.to_attr else repr(entry.path)
            raise ValueError(
                f"prefetch() got two different querysets for {where}; give one of them another to_attr"
            )
        branch.name, branch.entry = last, entry
    return tree


# --- steps: the tree resolved against a model ----------------------------------------------


class _Step(NamedTuple):
    """One relation to load for all rows of a level."""

    owner: Any
    name: str
    attribute: str
    near: tuple[str, ...]
    many: bool
    query: Any | None  # None: the rows are there already, by join()
    steps: tuple[_Step, ...]

    @property
    def relation(self) -> str | None:
        """The name that counts as loaded afterwards."""
        return self.name if self.attribute == self.name else None


def _steps(model: Any, tree: _Tree, joins: Iterable[str]) -> tuple[_Step, ...]:
    return tuple(_step(model, attribute, branch, joins) for attribute, branch in tree.items())


def _step(model: Any, attribute: str, branch: _Branch, joins: Iterable[str]) -> _Step:
    from ..models._relations import relation_of

    name = branch.name
    spec = relation_of(model, name)
    if spec is None:
        raise _no_relation(model, name)
    if attribute != name:
        _check_free(model, attribute)
    near = tuple(pair[0] for pair in spec.near)
    many = spec.kind not in (REL_FORWARD, REL_REVERSE_ONE)
    below = [path[len(name) + 2 :] for path in joins if path == name or path.startswith(f"{name}__")]
    if below and branch.entry is None:
        steps = _steps(spec.target, branch.branches, [path for path in below if path])
        return _Step(model, name, attribute, near, many, None, steps)
    query = _query_for(spec.target, branch.entry, f"{model.__name__}.{name}")
    branches = _tree(query._prefetches or (), branch.branches)
    steps = _steps(spec.target, branches, query._joins or ())
    query = _with_keys(query, steps)
    if branch.entry is not None and branch.entry.checked is not model:
        _check_names(query, model, name)
        branch.entry.checked = model
    return _Step(model, name, attribute, near, many, query, steps)


def _query_for(target: Any, entry: Prefetch | None, relation: str) -> Any:
    from .query import Query

    if entry is None or entry.queryset is None:
        query: Any = Query(target)
    else:
        query = entry.queryset
        if query._model is not target:
            raise ValueError(
                f"prefetch() of {relation} needs a query of {target.__name__}, not of {query._model.__name__}"
            )
    return query if entry is None or entry.limit is None else query._slice(0, entry.limit)


def _with_keys(query: Any, steps: Iterable[_Step]) -> Any:
    """The query without its prefetches; a partial one also selects what these need."""
    needed = {name for step in steps if step.query is not None for name in step.near}
    changes: dict[str, Any] = {"prefetches": None}
    if query._fields is not None:
        named = {name_of(field) for field in query._fields}
        if needed - named:
            changes["fields"] = (*query._fields, *sorted(needed - named))
    if query._deferred is not None and needed.intersection(query._deferred):
        changes["deferred"] = tuple(name for name in query._deferred if name not in needed)
    return query._with(**changes)


def _check_names(query: Any, model: Any, name: str) -> None:
    """Compiles a query that somebody wrote, so that what is wrong with it is told before any statement."""
    with contextlib.suppress(NotSupportedError):  # here; the database at hand may well have it
        query._with(link=(model, name, ()))._sql("postgres")


def _no_relation(model: Any, name: str) -> FieldLookupError:
    from ..models._unknown import near_misses

    meta = model._db_meta
    if name in model.__pydantic_fields__:
        return FieldLookupError(f"{model.__name__}.{name} is no relation: prefetch() cannot load it")
    near = near_misses(name, meta.relation_fields)
    return FieldLookupError(f"{model.__name__} has no relation {name!r}{near}")


def _check_free(model: Any, attribute: str) -> None:
    taken = attribute in model.__pydantic_fields__ or any(attribute in vars(base) for base in model.__mro__)
    if taken:
        raise ValueError(f"Prefetch(to_attr={attribute!r}): {model.__name__} has that attribute already")


# --- loading ------------------------------------------------------------------------------------


class Loading:
    """The relations of a query, resolved: nothing was sent, and nothing unknown is left.

    `query` reads the rows, `load` fills their relations.
    """

    __slots__ = ("query", "steps")

    def __init__(self, query: Any) -> None:
        self.steps = _steps(query._model, _tree(query._prefetches or ()), query._joins or ())
        self.query = _with_keys(query, self.steps)

    async def load(self, rows: list[Any], *, using: str | None, client: Any, write: bool = False) -> None:
        """Loads all relations of these rows, one level after the other."""
        from ..db._resolve import resolve

        database, open_one = resolve(using, client, self.query._model, write=False)
        # Only MySQL compares texts by collations that see less than Python does.
        fold = _folded if database.backend == "mysql" else None
        send = _send_beside
        if open_one is not None:
            send = _send_behind if database.backend == "postgres" else _send_in_turn
        level = [(self.steps, rows)]
        while level:
            loading = _to_load(level, fold)
            await send(self._operations(loading, using, client, write))
            if fold is not None:
                again = [
                    (step, Links(parents, step.near, fold))
                    for step, links in loading
                    if (parents := links.in_doubt())
                ]
                await send(self._operations(again, using, client, write))
                loading += again
            for step, links in loading:
                links.attach(step.attribute, step.relation, step.many)
            level = [(step.steps, links.rows) for step, links in loading if step.steps]

    def _operations(self, loading: _Loads, using: str | None, client: Any, write: bool) -> _Reads:
        for step, links in loading:
            keys, most = links.keys, _MOST_KEYS if len(step.near) == 1 else _MOST_ROW_VALUES
            assert step.query is not None
            for start in range(0, len(keys), most):
                query = step.query._with(link=(step.owner, step.name, keys[start : start + most]))
                yield operation(
                    DO_SELECT, query, SINK_LINKED, into=links, using=using, client=client, write=write
                )


_Loads = list[tuple[_Step, Links]]


def _to_load(
    level: Iterable[tuple[tuple[_Step, ...], list[Any]]], fold: Callable[[Any], Any] | None
) -> _Loads:
    """What a level loads; joined relations lead straight on to what is behind them."""
    loading: _Loads = []
    for steps, rows in level:
        for step in steps:
            if step.query is None:
                loading += _to_load([(step.steps, related_rows(rows, step.attribute))], fold)
            else:
                loading.append((step, Links(rows, step.near, fold)))
    return loading


_Reads = Iterable["_core.Operation[Any]"]


async def _send_beside(reads: _Reads) -> None:
    """On several connections."""
    await together(reads)


async def _send_behind(reads: _Reads) -> None:
    """On one connection that takes statements before it has answered those in front."""
    reads = iter(reads)
    while some := list(islice(reads, _MOST_IN_FLIGHT)):
        await (some[0] if len(some) == 1 else flight(some))


async def _send_in_turn(reads: _Reads) -> None:
    """On one connection that takes a statement when the one in front is done."""
    for read in reads:
        await read


def _folded(key: Any) -> Any:
    """A key as the widest collation sees it: without case, accents and blanks at its end."""
    if isinstance(key, tuple):
        return tuple(_folded(part) for part in key)
    if not isinstance(key, str):
        return key
    letters = unicodedata.normalize("NFKD", key)
    return "".join(c for c in letters if not unicodedata.combining(c)).casefold().rstrip(" ")


def one_alias(query: Any, using: str | None, client: Any, write: bool = False) -> str | None:
    """One alias for all statements of a terminal, however often the router would be asked."""
    from ..db.router import routed

    return using if client is not None else using or routed(query._model, write) or "default"


async def read_and_load(query: Any, sink: int, limit: int, route: tuple[str | None, Any, bool]) -> Any:
    """A terminal that gives models: its rows, with the relations of the query loaded."""
    using, client, write = route
    loading = Loading(query)
    using = one_alias(query, using, client, write)
    result = await operation(
        DO_SELECT, loading.query, sink, limit=limit, using=using, client=client, write=write
    )
    rows = result if sink == SINK_LIST else [] if result is None else [result]
    await loading.load(rows, using=using, client=client, write=write)
    return result
