"""SQL that tells which values of a column do not fit another type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .render import quoted

__all__ = ["literal", "misfit"]

Dict = dict[str, Any]
Type = Mapping[str, Any]

_TEXTS = frozenset({"text", "string", "enum", "unknown"})
_NUMBERS = frozenset({"big_integer", "double", "decimal", "boolean", "timedelta"})

_WHOLE = "^[[:space:]]*[+-]?[0-9]+[[:space:]]*$"
_FIGURE = "^[[:space:]]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[[:space:]]*$"
_UUID = "^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$"
_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_STAMP = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-][0-9:]+)?)?$"
_TIME = "^[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?$"


def literal(value: str, dialect: str) -> str:
    """Text as SQL."""
    escaped = value.replace("'", "''")
    if dialect in ("mysql", "mariadb"):
        escaped = escaped.replace("\\", "\\\\")
    return f"'{escaped}'"


def misfit(column: str, old: Type, new: Type, dialect: str) -> str | None:
    """A condition of rows whose value would be lost or refused; None: all fit, or nobody can say."""
    make = _MISFITS.get(new["kind"])
    return None if make is None else make(quoted(dialect, column), old, new, dialect)


def _as_text(column: str, dialect: str) -> str:
    if dialect == "postgres":
        return f"{column}::text"
    return f"CAST({column} AS {'TEXT' if dialect == 'sqlite' else 'CHAR'})"


def _unlike(text: str, pattern: str, dialect: str) -> str | None:
    if dialect == "sqlite":
        return None  # it has no patterns of its own that could say that
    return f"{text} {'!~' if dialect == 'postgres' else 'NOT REGEXP'} '{pattern}'"


def _string(column: str, old: Type, new: Type, dialect: str) -> str | None:
    if old["kind"] == "string" and (old.get("length") or 255) <= (new.get("length") or 255):
        return None
    length = "length" if dialect == "sqlite" else "char_length"
    return f"{length}({_as_text(column, dialect)}) > {new.get('length') or 255}"


def _whole(column: str, old: Type, new: Type, dialect: str) -> str | None:
    if old["kind"] in ("big_integer", "boolean", "timedelta"):
        return None
    if dialect == "sqlite":
        text = f"trim({_as_text(column, dialect)})"
        if old["kind"] in ("double", "decimal"):
            return f"CAST({column} AS REAL) <> CAST({column} AS INTEGER)"
        return (
            f"({text} = '' OR {text} GLOB '*[^0-9+-]*' OR {text} NOT GLOB '*[0-9]' OR {text} GLOB '?*[+-]*')"
        )
    if dialect != "postgres" and old["kind"] in ("double", "decimal"):
        return f"{column} <> truncate({column}, 0)"
    return _unlike(_as_text(column, dialect), _WHOLE, dialect)


def _figure(column: str, old: Type, new: Type, dialect: str) -> str | None:
    if old["kind"] in _NUMBERS:
        return None
    if dialect == "sqlite":
        text = f"trim({_as_text(column, dialect)})"
        return f"({text} GLOB '*[^0-9+.eE-]*' OR {text} NOT GLOB '*[0-9]*')"
    return _unlike(_as_text(column, dialect), _FIGURE, dialect)


def _decimal(column: str, old: Type, new: Type, dialect: str) -> str | None:
    no_figure = _figure(column, old, new, dialect)
    precision = new.get("precision")
    if precision is None:
        return no_figure
    scale = new.get("scale") or 0
    if dialect == "sqlite":
        number = f"CAST({column} AS REAL)"
    else:
        number = f"{column}::numeric" if dialect == "postgres" else f"CAST({column} AS DECIMAL(65,30))"
    too_large = f"abs(round({number}, {scale})) >= {10 ** (precision - scale)}"
    # A double has no digits of its own: rounding it to some is no loss.
    rounds = f" OR round({number}, {scale}) <> {number}" if old["kind"] != "double" else ""
    beyond = f"({too_large}{rounds})"
    return beyond if no_figure is None else f"CASE WHEN {no_figure} THEN 1=1 ELSE {beyond} END"


def _boolean(column: str, old: Type, new: Type, dialect: str) -> str | None:
    if old["kind"] == "boolean":
        return None
    words = (
        "'0', '1'"
        if dialect != "postgres"
        else "'0', '1', 't', 'f', 'true', 'false', 'yes', 'no', 'on', 'off'"
    )
    return f"lower({_as_text(column, dialect)}) NOT IN ({words})"


def _shaped(pattern: str, *fitting: str) -> Callable[[str, Type, Type, str], str | None]:
    def condition(column: str, old: Type, new: Type, dialect: str) -> str | None:
        if old["kind"] in fitting:
            return None
        return _unlike(_as_text(column, dialect), pattern, dialect)

    return condition


def _date(column: str, old: Type, new: Type, dialect: str) -> str | None:
    if old["kind"] not in ("date_time", "date_time_utc"):
        return _shaped(_DATE, "date")(column, old, new, dialect)
    if dialect == "sqlite":
        return f"length({column}) > 10 AND substr({column}, 12, 8) <> '00:00:00'"
    if dialect == "postgres":
        zone = " AT TIME ZONE 'UTC'" if old["kind"] == "date_time_utc" else ""
        return f"({column}{zone})::time <> '00:00:00'"
    return f"CAST({column} AS TIME) <> '00:00:00'"


def _json(column: str, old: Type, new: Type, dialect: str) -> str | None:
    if old["kind"] in ("json", "json_binary", "array") or dialect == "postgres":
        return None
    return f"NOT json_valid({column})"


def _enum(column: str, old: Type, new: Type, dialect: str) -> str | None:
    if old["kind"] == "enum" and set(old["values"]) <= set(new["values"]):
        return None
    values = ", ".join(literal(value, dialect) for value in new["values"])
    return f"{_as_text(column, dialect)} NOT IN ({values})"


_MISFITS: dict[str, Callable[[str, Type, Type, str], str | None]] = {
    "string": _string,
    "big_integer": _whole,
    "timedelta": _whole,
    "double": _figure,
    "decimal": _decimal,
    "boolean": _boolean,
    "uuid": _shaped(_UUID, "uuid"),
    "date": _date,
    "date_time": _shaped(_STAMP, "date", "date_time", "date_time_utc"),
    "date_time_utc": _shaped(_STAMP, "date", "date_time", "date_time_utc"),
    "time": _shaped(_TIME, "time"),
    "json": _json,
    "json_binary": _json,
    "enum": _enum,
}
