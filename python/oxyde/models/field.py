"""`Field`: Pydantic's `Field` plus what the column needs to know.

Pydantic merges the fields found in `Annotated`, in aliases and in the
assignment into one FieldInfo of its own. The `db_*` arguments travel along in
the set of explicitly given attributes, which every supported Pydantic merges
in the right order, so the merged field still knows them.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable
from functools import cache
from typing import Any

import pydantic
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

__all__ = ["Field", "OxydeFieldInfo"]

DB_DEFAULTS: dict[str, Any] = {
    "db_pk": False,
    "db_index": False,
    "db_index_name": None,
    "db_index_method": None,
    "db_unique": False,
    "db_column": None,
    "db_type": None,
    "db_default": None,
    "db_comment": None,
    "db_nullable": None,
    "db_fk": None,
    "db_on_delete": "RESTRICT",
    "db_on_update": "CASCADE",
    "db_reverse_fk": None,
    "db_m2m": False,
    "db_through": None,
    "db_through_fields": None,
}
"""Every `db_*` argument and the value it has when it is not given."""

FILLED = "oxyde_filled"
"""Marks, among the given attributes, a default of None that stands for the database's value."""

_ACTIONS = ("CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION")
_INDEX_METHODS = ("btree", "hash", "gin", "gist")
_SERIAL = frozenset({"SERIAL", "BIGSERIAL", "SMALLSERIAL"})


@cache
def _pydantic_arguments() -> frozenset[str]:
    parameters = inspect.signature(pydantic.Field).parameters.values()
    return frozenset(p.name for p in parameters if p.kind is not p.VAR_KEYWORD)


def _unknown_argument(name: str) -> TypeError:
    known = [*DB_DEFAULTS, *_pydantic_arguments()]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return TypeError(f"Field() got an unexpected keyword argument {name!r}{hint}")


def _action(name: str, value: Any) -> str:
    action = " ".join(str(value).upper().split())
    if action not in _ACTIONS:
        raise ValueError(f"{name}={value!r} is not a referential action; one of {', '.join(_ACTIONS)}")
    return action


def is_serial(db_type: str | None) -> bool:
    """Whether the type numbers its rows itself: SERIAL and its sizes."""
    return db_type is not None and db_type.strip().upper() in _SERIAL


class OxydeFieldInfo(FieldInfo):  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    """A Pydantic field that also describes its column; what `Field` returns."""

    __slots__ = tuple(DB_DEFAULTS)

    db_pk: bool
    db_index: bool
    db_index_name: str | None
    db_index_method: str | None
    db_unique: bool
    db_column: str | None
    db_type: str | None
    db_default: str | None
    db_comment: str | None
    db_nullable: bool | None
    db_fk: str | None
    db_on_delete: str
    db_on_update: str
    db_reverse_fk: str | None
    db_m2m: bool
    db_through: str | type[Any] | None
    db_through_fields: tuple[str, str] | None

    def __init__(self, default: Any = PydanticUndefined, **kwargs: Any) -> None:
        """Takes the arguments of `pydantic.Field` and the `db_*` ones."""
        given = {name: kwargs.pop(name) for name in DB_DEFAULTS if name in kwargs}
        for name in kwargs:
            if name not in _pydantic_arguments():
                raise _unknown_argument(name)
        _check_given(given)
        if _filled_by_database(given) and default is PydanticUndefined and "default_factory" not in kwargs:
            # The database knows the value: leaving the field out is right, and the
            # None it then has is not a value that would have to pass validation.
            default = None
            given[FILLED] = True
            kwargs.setdefault("validate_default", False)
        self._adopt(pydantic.Field(default, **kwargs), given)

    def _adopt(self, info: FieldInfo, given: dict[str, Any]) -> None:
        """Becomes a copy of `info`, with these `db_*` arguments."""
        for slot in _slots_of_field_info():
            if hasattr(info, slot):
                setattr(self, slot, getattr(info, slot))
        # Shared with `info`, which is either ours alone or replaced by us.
        self._attributes_set = {**info._attributes_set, **given}
        for name, absent in DB_DEFAULTS.items():
            setattr(self, name, given.get(name, absent))

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """As Pydantic shows a field, with the `db_*` arguments that were given."""
        for name, value in super().__repr_args__():
            if name not in DB_DEFAULTS or value != DB_DEFAULTS[name]:
                yield name, value

    @property
    def is_virtual(self) -> bool:
        """Whether the field has no column: a reverse or many-to-many relation."""
        return bool(self.db_reverse_fk or self.db_m2m)


@cache
def _slots_of_field_info() -> tuple[str, ...]:
    return tuple(FieldInfo.__slots__)


def _check_given(given: dict[str, Any]) -> None:
    for name in ("db_on_delete", "db_on_update"):
        if name in given:
            given[name] = _action(name, given[name])
    method = given.get("db_index_method")
    if method is not None and method.lower() not in _INDEX_METHODS:
        raise ValueError(f"db_index_method={method!r} is unknown; one of {', '.join(_INDEX_METHODS)}")
    for name in ("db_column", "db_type", "db_default", "db_comment", "db_fk", "db_reverse_fk"):
        value = given.get(name)
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{name} takes a string, not {type(value).__name__}")


def _filled_by_database(given: dict[str, Any]) -> bool:
    if given.get("db_default") is not None:
        return True
    return bool(given.get("db_pk")) and is_serial(given.get("db_type"))


def db_arguments(info: FieldInfo) -> dict[str, Any]:
    """The `db_*` arguments given for a field, wherever they were given."""
    return {name: value for name, value in info._attributes_set.items() if name in DB_DEFAULTS}


def is_filled(info: FieldInfo) -> bool:
    """Whether the field's None stands for a value that the database will fill in."""
    return FILLED in info._attributes_set and info.default is None


def as_oxyde_field(info: FieldInfo, inherited: dict[str, Any], *, copied: bool = False) -> OxydeFieldInfo:
    """The same field as an `OxydeFieldInfo`; `inherited` are arguments of lower rank."""
    given = {**inherited, **db_arguments(info)}
    if type(info) is OxydeFieldInfo and not inherited and not copied:
        return info
    field = OxydeFieldInfo.__new__(OxydeFieldInfo)
    field._adopt(info, given)
    return field


def Field(default: Any = PydanticUndefined, **kwargs: Any) -> Any:
    """Describes a field and its column.

    Takes every argument of `pydantic.Field` and the `db_*` arguments, for example
    `db_pk=True`, `db_unique=True`, `db_index=True`, `db_column="remark"`. An argument
    that neither knows is a `TypeError` that names the nearest one.
    """
    return OxydeFieldInfo(default, **kwargs)
