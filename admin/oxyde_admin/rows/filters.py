"""Filters and search of lists, exports, selections (contract, 7.1)."""

from __future__ import annotations

import contextlib
import json
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from oxyde import F, Q
from oxyde.exceptions import FieldLookupError

from ..exceptions import InvalidParameterError
from ..options.fields import fields_of, relation_target
from ..options.paths import follow
from ..options.slugs import escape
from ..values.encode import as_text
from ..values.keys import split
from .guards import guards
from .parse import kind_of, parse, parse_element, truth

if TYPE_CHECKING:
    from ..options.paths import Path
    from ..options.resource import AdminField
    from ..security.rights import Rights

__all__ = [
    "LONGEST_SEARCH",
    "LOOKUPS",
    "Arguments",
    "arguments_of",
    "filterable",
    "looked_for",
    "lookups_of",
    "narrow",
]

Arguments = Iterable[tuple[str, str]]

_NUMERIC = ("", "gt", "gte", "lt", "lte", "in", "isnull")
_MOMENT = (*_NUMERIC, "date")
_EXACT = ("", "in", "ne", "isnull")
_KEY = ("", "in", "isnull")

LOOKUPS: Mapping[str, tuple[str, ...]] = {
    "boolean": ("", "isnull"),
    "string": ("", "exact", "in", "isnull", "startswith"),
    "text": ("", "exact", "in", "isnull", "startswith"),
    "enum": _EXACT,
    "uuid": _EXACT,
    "inet": _EXACT,
    "cidr": _EXACT,
    "big_integer": _NUMERIC,
    "double": _NUMERIC,
    "decimal": _NUMERIC,
    "date": _NUMERIC,
    "time": _NUMERIC,
    "timedelta": _NUMERIC,
    "date_time": _MOMENT,
    "date_time_utc": _MOMENT,
    "relation": _KEY,
    "array": ("", "overlap", "len", "isnull"),
    "json": ("isnull",),
    "json_binary": ("isnull",),
    "blob": ("isnull",),
    "json path": ("", "isnull"),
    "part": ("", "gt", "gte", "lt", "lte", "in"),
}
"""The lookups of each kind of field; "" is the filter without one."""


class _Filter(NamedTuple):
    path: Path
    lookup: str
    value: str


def _category(path: Path) -> str:
    field = path.field
    if field is None or field.shape in ("many_to_many", "foreign_key"):
        return "relation"
    if path.keys:
        return "json path" if field.kind.startswith("json") else "part"
    return "relation" if field.relation is not None else kind_of(field)


def lookups_of(path: Path) -> tuple[str, ...]:
    """The lookups that a filter on this path takes."""
    return LOOKUPS.get(_category(path), ("isnull",))


async def filterable(rights: Rights) -> dict[str, Path]:
    """The paths this user may filter by, under every name they have; secrets never."""
    found: dict[str, Path] = {}
    model = rights.resource.model
    for text in rights.resource.filtered:
        path = follow(model, text)
        if (path.field is None or not path.field.secret) and await rights.sees(path):
            for name in _names(path):
                found.setdefault(name, path)
    return found


def _names(path: Path) -> Iterable[str]:
    """A foreign key is filtered by relation, by id field and by column alike."""
    yield path.text
    field = path.field
    if field is None or path.keys or field.shape not in ("column", "foreign_key"):
        return
    before = path.text[: len(path.text) - len(path.steps[-1][1])]
    fields = _last_fields(path)
    group = fields[field.relation] if field.relation is not None else field
    yield before + group.name
    for name in group.ids or (group.name,):
        yield before + name
        yield before + fields[name].column.db_column


async def narrow(
    query: Any, rights: Rights, arguments: Arguments, *, search: str | None = None, refuse: bool = False
) -> tuple[Any, list[str]]:
    """The query with filters and search applied, and the arguments that are no filter.

    `refuse` makes those an InvalidParameterError, as exports, selections and actions want it. Raises
    the same for a lookup or value that cannot be used.
    """
    known = await filterable(rights)
    ignored: list[str] = []
    for name, value in arguments:
        path, lookup = _split(name, known)
        if path is None:
            ignored.append(name)
        elif value != "":
            query = await _applied(query, rights, name, _Filter(path, lookup, value))
    if ignored and refuse:
        raise InvalidParameterError("A filter is unknown.")
    if search:
        query = await _searched(query, rights, search)
    return query, list(dict.fromkeys(ignored))


def _split(name: str, known: Mapping[str, Path]) -> tuple[Path | None, str]:
    if name in known:
        return known[name], ""
    base, sign, lookup = name.rpartition("__")
    if sign and base in known:
        return known[base], lookup or "?"
    return None, ""


async def _applied(query: Any, rights: Rights, name: str, asked: _Filter) -> Any:
    category = _category(asked.path)
    if asked.lookup not in LOOKUPS.get(category, ("isnull",)):
        raise InvalidParameterError(f"The filter {name!r} has no such lookup.")
    within = await guards(rights, asked.path)
    try:
        if asked.lookup == "isnull":
            return query.filter(_is_null(asked.path, truth(asked.value), within))
        if category == "part":
            return query.filter(_part(asked), **within)
        either = Q()
        for lookups in _readings(asked, category):
            either = either | Q(**lookups, **within)
        return query.filter(either)
    except (ValueError, FieldLookupError) as error:
        raise InvalidParameterError(f"The value of the filter {name!r} cannot be used.") from error


def _is_null(path: Path, wanted: bool, within: Mapping[str, Any]) -> Q:
    """What the user has no right to is not there for him, as if it were NULL."""
    there = Q(**{f"{path.text}__isnull": False}, **within)
    if not wanted:
        return there
    return ~there if within else Q(**{f"{path.text}__isnull": True})


def _readings(asked: _Filter, category: str) -> Iterator[dict[str, Any]]:
    """The lookups that the filter stands for, any of which may hold."""
    path, lookup, value = asked.path.text, asked.lookup, asked.value
    if category == "json path":
        yield {f"{path}__exact": value}
        with contextlib.suppress(ValueError):
            number = json.loads(value)
            if isinstance(number, (bool, int, float)):
                yield {f"{path}__exact": number}
        return
    field = _compared(asked.path)
    if category in ("string", "text") and lookup in ("", "startswith"):
        yield {f"{path}__{lookup or 'icontains'}": parse(value, field, "text")}
    elif category == "array":
        yield {f"{path}__{lookup or 'contains'}": _array(value, lookup, field)}
    elif lookup == "in":
        yield {f"{path}__in": [parse(item, field) for item in split(value)]}
    elif lookup == "date":
        yield {f"{path}__date": parse(value, field, "date only")}
    else:
        yield {f"{path}__{lookup or 'exact'}": parse(value, field)}


def _compared(path: Path) -> AdminField:
    """The field whose value the filter compares: of a relation, the key at its other end."""
    field = path.field
    if field is None or field.shape == "many_to_many":
        target: Any = relation_target(*path.steps[-1])
        return _only([item for item in fields_of(target).values() if item.primary_key and item.column])
    if field.shape == "foreign_key":
        return _only([_last_fields(path)[name] for name in field.ids])
    return field


def _last_fields(path: Path) -> Mapping[str, AdminField]:
    """The fields of the model at which the path ends."""
    model: Any = path.steps[-1][0]
    return fields_of(model)


def _only(fields: list[AdminField]) -> AdminField:
    columns = [field for field in fields if field.shape == "column"]
    if len(columns) != 1:
        raise ValueError("a key of several parts")
    return columns[0]


def _array(value: str, lookup: str, field: AdminField) -> Any:
    if lookup == "len":
        return int(parse(value, field, "big_integer"))
    element = field.column.column_type.elem
    return [parse_element(item, field, element) for item in (split(value) if lookup else [value])]


_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": lambda part, values: part.in_(values),
}


def _part(asked: _Filter) -> Any:
    """A part of a date, compared as the number it is."""
    assert asked.path.field is not None
    kind = "date only" if asked.path.keys == ("date",) else "big_integer"
    texts = split(asked.value) if asked.lookup == "in" else [asked.value]
    values = [parse(text, asked.path.field, kind) for text in texts]
    return _COMPARE[asked.lookup](F(asked.path.text), values if asked.lookup == "in" else values[0])


# --- search ----------------------------------------------------------------------------------

LONGEST_SEARCH = 200


async def _searched(query: Any, rights: Rights, text: str) -> Any:
    if len(text) > LONGEST_SEARCH:
        raise InvalidParameterError(f"A search has at most {LONGEST_SEARCH} characters.")
    paths = [follow(rights.resource.model, name) for name in rights.resource.searched]
    if not paths:
        return query
    either, found = Q(), False
    for path in paths:
        if (path.field is not None and path.field.secret) or not await rights.sees(path):
            continue
        with contextlib.suppress(ValueError, FieldLookupError):
            either = either | Q(**looked_for(path, text), **await guards(rights, path))
            found = True
    try:
        return query.filter(either) if found else query.none()
    except FieldLookupError as error:
        raise InvalidParameterError("The search cannot be used.") from error


def looked_for(path: Path, text: str) -> dict[str, Any]:
    """Contains for text; anything else is found by its whole value. ValueError: it cannot be that."""
    category = _category(path)
    if category in ("string", "text"):
        return {f"{path.text}__icontains": parse(text, _compared(path), "text")}
    if category in ("array", "json", "json_binary", "blob", "json path", "part"):
        raise ValueError("not searched")
    return {f"{path.text}__exact": parse(text.strip(), _compared(path))}


def arguments_of(filters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The filters of a selection, which are JSON, as arguments; lists become comma lists."""
    return [(name, _as_text(value)) for name, value in filters.items()]


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(escape(_as_text(item)) for item in value)
    if isinstance(value, dict):
        raise InvalidParameterError("The value of a filter is text, a number, true, false or a list of them.")
    return as_text(value)
