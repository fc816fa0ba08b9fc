"""Signatures of the methods of queries and managers that depend on the model."""

from __future__ import annotations

__all__ = ["OWN_PARAMETERS", "TEMPLATES"]

# Words: Q the query class, M the model, F and O its names for selections and orders, `{A}[T]` a
# coroutine that gives T, S a Pydantic class that is given, route the parameters that every terminal
# has; filter, create and update are parameters for lookups and values.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "filter": ("(self, *args: {Any}, {filter}**kwargs: {Any}) -> {Q}",),
    "exclude": ("(self, *args: {Any}, {filter}**kwargs: {Any}) -> {Q}",),
    "order_by": ("(self, *fields: {O}) -> {Q}",),
    "select": ("(self, *fields: {F}) -> {Q}",),
    "only": ("(self, *fields: {F}) -> {Q}",),
    "defer": ("(self, *fields: {F}) -> {Q}",),
    "group_by": ("(self, *fields: {F}, **exprs: {Any}) -> {Q}",),
    "distinct": ("(self, *fields: {F} | bool, distinct: bool | None = None) -> {Q}",),
    "__getitem__": ("(self, key: int | slice) -> {Q}",),
    "values": ("(self, *fields: {F}, **exprs: {Any}) -> {ValuesQuery}[{M}]",),
    "values_list": (
        "(self, field: {F}, /, *, flat: {Literal}[True]) -> {FlatValuesListQuery}[{M}]",
        "(self, *fields: {F}, flat: {Literal}[False] = ...) -> {ValuesListQuery}[{M}]",
        "(self, *fields: {F}, flat: bool) -> {ValuesListQuery}[{M}] | {FlatValuesListQuery}[{M}]",
    ),
    "all": (
        "(self, *, {route}, mode: None = None) -> {A}[list[{M}]]",
        '(self, *, {route}, mode: {Literal}["models"]) -> {A}[list[{M}]]',
        '(self, *, {route}, mode: {Literal}["dict"]) -> {A}[list[dict[str, {Any}]]]',
        '(self, *, {route}, mode: {Literal}["list"]) -> {A}[list[tuple[{Any}, ...]]]',
        "(self, *, {route}, mode: str) -> {A}[{Any}]",
        "(self, *, {route}, as_: type[{S}]) -> {A}[list[{S}]]",
    ),
    "first": (
        "(self, *, {route}, as_: None = None) -> {A}[{M} | None]",
        "(self, *, {route}, as_: type[{S}]) -> {A}[{S} | None]",
    ),
    "last": ("(self, *, {route}) -> {A}[{M} | None]",),
    "earliest": ("(self, *fields: {O}, {route}) -> {A}[{M}]",),
    "latest": ("(self, *fields: {O}, {route}) -> {A}[{M}]",),
    "get": (
        "(self, *args: {Any}, {route}, as_: None = None, {filter}**kwargs: {Any}) -> {A}[{M}]",
        "(self, *args: {Any}, {route}, as_: type[{S}], {filter}**kwargs: {Any}) -> {A}[{S}]",
    ),
    "get_or_none": (
        "(self, *args: {Any}, {route}, as_: None = None, {filter}**kwargs: {Any}) -> {A}[{M} | None]",
        "(self, *args: {Any}, {route}, as_: type[{S}], {filter}**kwargs: {Any}) -> {A}[{S} | None]",
    ),
    "get_or_create": (
        "(self, *, defaults: {Mapping}[str, {Any}] | None = None, {route}, {filter}**kwargs: "
        "{Any}) -> {A}[tuple[{M}, bool]]",
    ),
    "update_or_create": (
        "(self, *, defaults: {Mapping}[str, {Any}] | None = None, create_defaults: {Mapping}[str, "
        "{Any}] | None = None, {route}, {filter}**kwargs: {Any}) -> {A}[tuple[{M}, bool]]",
    ),
    "count": ("(self, *, {route}) -> {A}[int]",),
    "exists": ("(self, *, {route}) -> {A}[bool]",),
    "sum": ("(self, field: {F}, *, {route}) -> {A}[{Any}]",),
    "avg": ("(self, field: {F}, *, {route}) -> {A}[{Any}]",),
    "max": ("(self, field: {F}, *, {route}) -> {A}[{Any}]",),
    "min": ("(self, field: {F}, *, {route}) -> {A}[{Any}]",),
    "increment": ("(self, field: {F}, by: {Any} = 1, *, {route}) -> {A}[int]",),
    "create": (
        "(self, _data: {Mapping}[str, {Any}] | None = None, /, *, instance: {M} | None = None, "
        "{route}, {create}) -> {A}[{M}]",
    ),
    "bulk_create": (
        "(self, objects: {Iterable}[{M} | dict[str, {Any}]] | {Iterable}[{M}], *, batch_size: int "
        "| None = None, ignore_conflicts: bool = False, update_conflicts: bool = False, "
        "update_fields: {Iterable}[{Any}] | {Mapping}[str, {Any}] | None = None, unique_fields: "
        "{Iterable}[{Any}] | None = None, {route}) -> {A}[list[{M}]]",
    ),
    "bulk_update": (
        "(self, objects: {Iterable}[{M}], fields: {Iterable}[{F}], *, batch_size: int | None = "
        "None, {route}) -> {A}[int]",
    ),
    "update": (
        "(self, _values: {Mapping}[str, {Any}] | None = None, /, *, returning: {Literal}[False] = "
        "False, {route}, {update}) -> {A}[int]",
        "(self, _values: {Mapping}[str, {Any}] | None = None, /, *, returning: {Literal}[True], "
        "{route}, {update}) -> {A}[list[{M}]]",
        "(self, _values: {Mapping}[str, {Any}] | None = None, /, *, returning: {Iterable}[{F}], "
        "{route}, {update}) -> {A}[list[dict[str, {Any}]]]",
    ),
    "delete": (
        "(self, *, returning: {Literal}[False] = False, {route}) -> {A}[int]",
        "(self, *, returning: {Literal}[True], {route}) -> {A}[list[{M}]]",
        "(self, *, returning: {Iterable}[{F}], {route}) -> {A}[list[dict[str, {Any}]]]",
    ),
    "fetch_models": ("(self, client: {Any} = None, *, using: str | None = None) -> {A}[list[{M}]]",),
    "__aiter__": ("(self) -> {AsyncIterator}[{M}]",),
}

# Parameters of a method that a field of the same name would repeat.
OWN_PARAMETERS: dict[str, tuple[str, ...]] = {
    "create": ("instance", "using", "client"),
    "update": ("returning", "using", "client"),
    "get": ("as_",),
    "get_or_none": ("as_",),
    "update_or_create": ("create_defaults",),
}
