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
    """What a lookup takes; None leaves it out."""
    if lookup in _FIXED:
        return f"{_FIXED[lookup]} | None"
    if lookup in ("date", "time"):
        return f"{names.use('datetime', lookup)} | None"
    # A number is compared with any other; constraints of the field do not apply.
    value = joined([field.value, "int", "float"]) if field.value == "Decimal" else field.value
    if lookup == "in":
        return f"{names.use('oxyde.typing', 'OneOf')}[{value}]"
    if lookup in ("between", "range"):
        return f"{names.use('oxyde.typing', 'Between')}[{value}]"
    if lookup in ("has_keys", "has_any_keys"):
        return f"{names.use('collections.abc', 'Iterable')}[str] | None"
    if field.category == "json" and lookup in ("contains", "contained_by"):
        value = names.use("typing", "Any")
    elif field.category == "string" and lookup in _TEXT:
        value = "str"
    elif field.category == "array" and field.element is not None:
        value = joined([value, f"list[{field.element}]"])
    return f"{names.use('oxyde.typing', 'Given')}[{value}]"


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
            parameters.append(f"{field.name}: {_lookup_type(field, 'exact', names)} = ...")
        parameters += [
            f"{field.name}__{lookup}: {_lookup_type(field, lookup, names)} = ..."
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
        type_ = (
            f"{names.use('oxyde.typing', 'Given')}[{field.value}]" if computed else f"{field.value} | None"
        )
        parameters.append(f"{field.name}: {type_} = ...")
    return parameters


def column_names(fields: Iterable[FieldFacts]) -> list[str]:
    """Names for selections and orders."""
    return sorted(field.name for field in fields if field.has_column)
