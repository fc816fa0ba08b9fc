"""Parameters that depend on a model: lookups, values, names of fields."""

from __future__ import annotations

from collections.abc import Iterable

from ._annotations import joined
from ._fields import FieldFacts
from ._names import Names

__all__ = ["column_names", "filter_parameters", "value_parameters"]

RESERVED = frozenset({"self", "args", "kwargs", "client", "using", "defaults"})
"""Names with a meaning of their own; fields called so are reached through `**kwargs`."""

# Parts of dates by what they are compared with.
_INTEGER_PARTS = (
    "year",
    "quarter",
    "week",
    "week_day",
    "iso_week_day",
    "iso_year",
    "hour",
    "minute",
    "second",
    "len",
)
_FIXED: dict[str, str] = {
    **dict.fromkeys(_INTEGER_PARTS, "int"),
    "isnull": "bool",
    "month": "tuple[int, int] | list[int]",
    "day": "tuple[int, int, int] | list[int]",
    "has_key": "str",
}
_TEXT = frozenset(
    {
        "contains",
        "icontains",
        "startswith",
        "istartswith",
        "endswith",
        "iendswith",
        "iexact",
        "regex",
        "iregex",
    }
)


def _lookup_type(field: FieldFacts, lookup: str, names: Names) -> str:
    """What a lookup takes, without None."""
    if lookup in _FIXED:
        return _FIXED[lookup]
    if lookup in ("date", "time"):
        return names.use("datetime", lookup)
    iterable = names.use("collections.abc", "Iterable")
    # A number is compared with any other; constraints of the field do not apply.
    value = joined([field.value, "int", "float"]) if field.value == "Decimal" else field.value
    if lookup == "in":
        return joined([f"{iterable}[{value}]", names.use("oxyde.typing", "AnyQuery")])
    if lookup in ("between", "range"):
        return f"tuple[{value}, {value}] | list[{value}]"
    if lookup in ("has_keys", "has_any_keys"):
        value = f"{iterable}[str]"
    elif field.category == "json" and lookup in ("contains", "contained_by"):
        value = names.use("typing", "Any")
    else:
        if field.category == "string" and lookup in _TEXT:
            value = "str"
        elif field.category == "array" and field.element is not None:
            value = joined([value, f"list[{field.element}]"])
        value = joined([value, names.use("oxyde.typing", "Computed")])
    return value


def filter_parameters(fields: Iterable[FieldFacts], names: Names, *, but: Iterable[str] = ()) -> list[str]:
    """One parameter per field and one per lookup, fields by name, lookups in the run time's order.

    `but`: names that are parameters of the method itself.
    """
    taken = RESERVED.union(but)
    parameters = []
    for field in sorted(fields, key=lambda f: f.name):
        if not field.has_column:
            continue
        if field.name not in taken:
            parameters.append(f"{field.name}: {_lookup_type(field, 'exact', names)} | None = None")
        parameters += [
            f"{field.name}__{lookup}: {_lookup_type(field, lookup, names)} | None = None"
            for lookup in field.lookups
            if lookup != "exact"
        ]
    return parameters


def value_parameters(
    fields: Iterable[FieldFacts], names: Names, *, computed: bool, but: Iterable[str]
) -> list[str]:
    """One parameter per column and relation, by name; `computed`: or an expression."""
    taken = {"self", *but}
    parameters = []
    for field in sorted(fields, key=lambda f: f.name):
        if not field.has_column or field.name in taken:
            continue
        value = joined([field.value, names.use("oxyde.typing", "Computed")]) if computed else field.value
        parameters.append(f"{field.name}: {value} | None = None")
    return parameters


def column_names(fields: Iterable[FieldFacts]) -> list[str]:
    """Names for selections and orders."""
    return sorted(field.name for field in fields if field.has_column)
