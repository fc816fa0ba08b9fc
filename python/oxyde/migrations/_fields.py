"""The dicts of schemas in one form: defaults filled in, older spellings translated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..models._db_type import parse_db_type
from .errors import SchemaError

__all__ = [
    "FIELD_FLAGS",
    "enum_key",
    "enum_of",
    "in_key_order",
    "is_legacy",
    "normal_field",
    "normal_foreign_key",
    "normal_index",
    "normal_table",
    "qualified",
]

Dict = dict[str, Any]

FIELD_FLAGS = ("nullable", "primary_key", "unique")

# What older files call the types, with the sizes that belong to each.
_LEGACY_KINDS = {
    "int": "big_integer",
    "str": "string",
    "float": "double",
    "bool": "boolean",
    "bytes": "blob",
    "datetime": "date_time",
    "decimal": "decimal",
    "date": "date",
    "time": "time",
    "timedelta": "timedelta",
    "uuid": "uuid",
    "json": "json",
}

_ACTIONS = ("CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION")


def is_legacy(field: Mapping[str, Any]) -> bool:
    """Whether a field is described as older files do."""
    return "column_type" not in field


def normal_field(field: Mapping[str, Any]) -> Dict:
    """A field dict with its flags and its `column_type`; further keys stay, unset ones go."""
    name = field.get("name")
    if not isinstance(name, str) or not name:
        raise SchemaError(f"a field needs a name: {dict(field)!r}")
    result: Dict = {"name": name, "column_type": _column_type(field)}
    result.update({flag: bool(field.get(flag, False)) for flag in FIELD_FLAGS})
    for key, value in field.items():
        if (
            key not in result
            and key not in ("python_type", "field_type", "type")
            and value not in (None, False)
        ):
            result[key] = value
    return result


def _column_type(field: Mapping[str, Any]) -> Dict:
    given = field.get("column_type")
    if isinstance(given, Mapping):
        return _normal_type(given, field)
    if isinstance(given, str):
        return _normal_type({"kind": given}, field)
    if given is not None:
        raise SchemaError(f"field {field['name']!r}: column_type is a dict, not {type(given).__name__}")
    db_type, python_type = field.get("db_type"), field.get("python_type")
    if db_type is None and python_type is None:
        raise SchemaError(f"field {field['name']!r} defines neither column_type nor python_type nor db_type")
    recognised = parse_db_type(db_type) if isinstance(db_type, str) else None
    if recognised is not None and recognised.kind:
        return _normal_type(_type_of(recognised), field)
    return _normal_type(_legacy_type(str(python_type or "unknown")), field)


def _type_of(db_type: Any) -> Dict:
    if db_type.kind == "array":
        item: Dict = {"kind": db_type.elem or "unknown"}
        for _ in range(max(db_type.ndim, 1) - 1):
            item = {"kind": "array", "item": item}
        return {"kind": "array", "item": item}
    return {"kind": db_type.kind}


def _legacy_type(python_type: str) -> Dict:
    if python_type.endswith("[]"):
        return {"kind": "array", "item": _legacy_type(python_type[:-2])}
    return {"kind": _LEGACY_KINDS.get(python_type, "unknown")}


def _normal_type(given: Mapping[str, Any], field: Mapping[str, Any]) -> Dict:
    kind = given.get("kind")
    if not isinstance(kind, str):
        raise SchemaError(f"field {field['name']!r}: column_type has no kind")
    result: Dict = {"kind": kind}
    if kind == "string":
        result["length"] = given.get("length") or field.get("max_length") or 255
    elif kind == "decimal":
        digits = given.get("precision") or field.get("max_digits")
        scale = given.get("scale") if given.get("scale") is not None else field.get("decimal_places")
        result.update(
            {} if digits is None else {"precision": digits}, **({} if scale is None else {"scale": scale})
        )
    elif kind == "enum":
        result.update(name=given.get("name") or "", values=list(given.get("values") or ()))
    elif kind == "array":
        item = given.get("item")
        inner = {"kind": item} if isinstance(item, str) else item or {"kind": "unknown"}
        # Sizes of the field itself bound the list, not its elements.
        result["item"] = _normal_type(inner, {"name": field["name"]})
    result.update({key: value for key, value in given.items() if key not in result and value is not None})
    return result


def enum_of(column_type: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The enum type of a column, or of the elements of an array."""
    while column_type["kind"] == "array":
        column_type = column_type["item"]
    return column_type if column_type["kind"] == "enum" else None


def enum_key(table: Mapping[str, Any], column_type: Mapping[str, Any]) -> str | None:
    """The name of a column's enum type in a snapshot: it lives in the schema of its table."""
    used = enum_of(column_type)
    if used is None or not used["name"]:
        return None
    return f"{table['schema']}.{used['name']}" if table.get("schema") else str(used["name"])


def normal_index(index: Mapping[str, Any]) -> Dict:
    """An index dict with all that decides what it is."""
    columns = index.get("fields") or index.get("columns")
    if not index.get("name") or not columns:
        raise SchemaError(f"an index needs a name and fields: {dict(index)!r}")
    result: Dict = {
        "name": index["name"],
        "fields": list(columns),
        "unique": bool(index.get("unique", False)),
    }
    where = (index.get("where") or "").strip()
    extra = {"method": index.get("method"), "where": where, "constraint": bool(index.get("constraint"))}
    result.update({key: value for key, value in extra.items() if value})
    known = {*result, "columns", "concurrently", *extra}
    result.update({key: value for key, value in index.items() if key not in known})
    return result


def normal_foreign_key(fk: Mapping[str, Any], *, lenient: bool = False) -> Dict:
    """A foreign-key dict with its actions in upper case; `lenient`: unknown ones become NO ACTION."""
    missing = [key for key in ("name", "columns", "ref_table", "ref_columns") if not fk.get(key)]
    if missing:
        raise SchemaError(f"a foreign key needs {', '.join(missing)}: {dict(fk)!r}")
    result: Dict = {**fk, "columns": list(fk["columns"]), "ref_columns": list(fk["ref_columns"])}
    for key in ("on_delete", "on_update"):
        action = " ".join(str(fk.get(key) or "NO ACTION").upper().split())
        if action not in _ACTIONS:
            if not lenient:
                raise SchemaError(
                    f"foreign key {fk['name']!r}: {key} {fk[key]!r} is none of {', '.join(_ACTIONS)}"
                )
            action = "NO ACTION"
        result[key] = action
    return result


def normal_table(table: Mapping[str, Any], *, lenient: bool = False) -> Dict:
    """A table dict with all of its lists; fields in their order, the rest by name."""
    name = table.get("name")
    if not isinstance(name, str) or not name:
        raise SchemaError(f"a table needs a name: {dict(table)!r}")
    fields = [normal_field(field) for field in table.get("fields") or ()]
    _refuse_twins(name, fields)
    return {
        **{key: value for key, value in table.items() if value is not None},
        "name": name,
        "fields": fields,
        "indexes": _by_name(normal_index(index) for index in table.get("indexes") or ()),
        "foreign_keys": _by_name(
            normal_foreign_key(fk, lenient=lenient) for fk in table.get("foreign_keys") or ()
        ),
        "checks": _by_name(dict(check) for check in table.get("checks") or ()),
        "comment": table.get("comment"),
        "schema": table.get("schema"),
    }


def _refuse_twins(table: str, fields: Iterable[Dict]) -> None:
    seen: set[str] = set()
    for field in fields:
        if field["name"] in seen:
            raise SchemaError(f"table {table!r} has two columns {field['name']!r}")
        seen.add(field["name"])


def _by_name(items: Iterable[Dict]) -> list[Dict]:
    return sorted(items, key=lambda item: str(item["name"]))


def qualified(table: Mapping[str, Any]) -> str:
    """The name of a table in a snapshot: with its schema, if it has one."""
    return f"{table['schema']}.{table['name']}" if table.get("schema") else str(table["name"])


def in_key_order(fields: Iterable[Dict], columns: Sequence[str]) -> list[Dict]:
    """The fields with those of the key among themselves in the key's order: it is the fields' order."""
    fields = list(fields)
    places = [at for at, each in enumerate(fields) if each["name"] in columns]
    by_name = {each["name"]: each for each in fields}
    for at, name in zip(places, columns, strict=False):
        fields[at] = by_name[name]
    return fields
