"""`extract_current_schema`: the snapshot that the models describe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import _core
from ..db.schema import describe_model
from ..exceptions import FieldError
from ..models.metadata import ColumnMeta, ModelMeta
from ..models.registry import assert_no_pending_models, iter_tables
from ._fields import in_key_order
from .errors import SchemaError
from .render import dialect_named
from .state import SchemaState

__all__ = ["extract_current_schema"]

Dict = dict[str, Any]

_KIND_NAMES = {number: name for name, number in _core.KIND_NAMES.items()}
_SERIAL = ("SERIAL", "BIGSERIAL")


def extract_current_schema(
    dialect: str = "sqlite", *, models: Iterable[type[Any]] | None = None
) -> dict[str, Any]:
    """The snapshot of the given or of all registered table models.

    `dialect` decides how defaults are spelt; the files made of it serve every database.
    """
    name = dialect_named(dialect)
    try:
        if models is None:
            _require_finished()
            models = iter_tables()
        described = [(model, describe_model(model)) for model in dict.fromkeys(models)]
    except FieldError as error:
        raise SchemaError(str(error)) from error
    tables: dict[str, tuple[type[Any], Dict]] = {}
    enums: dict[str, tuple[type[Any], list[str]]] = {}
    for model, table in described:
        shown = _table(model, table, name)
        key = f"{shown['schema']}.{shown['name']}" if shown["schema"] else shown["name"]
        tables[key] = _wider(tables.get(key), (model, shown))
        _collect_enums(model, table, enums)
    found = {
        "version": 1,
        "tables": {key: table for key, (_, table) in sorted(tables.items())},
        "enums": {key: values for key, (_, values) in enums.items()},
    }
    return SchemaState.from_snapshot(found, strict=True).to_snapshot()


def _require_finished() -> None:
    try:
        assert_no_pending_models()
    except RuntimeError as error:
        raise SchemaError(str(error)) from error


def _table(model: Any, described: Dict, dialect: str) -> Dict:
    meta: ModelMeta = model._db_meta
    defaults = _defaults(described, dialect)
    by_column = {column.db_column: column for column in meta.columns.values()}
    single = len(meta.pk_fields) == 1
    fields = [
        _field(by_column[column["name"]], column, default, single_key=single)
        for column, default in zip(described["columns"], defaults, strict=True)
    ]
    return {
        "name": described["name"],
        "fields": in_key_order(fields, described["primary_key"]),
        "indexes": [_index(index) for index in described["indexes"]],
        "foreign_keys": [_foreign_key(fk) for fk in described["foreign_keys"]],
        "checks": described["checks"],
        "comment": described["comment"] or None,
        "schema": described["schema"] or None,
    }


def _defaults(described: Dict, dialect: str) -> list[str | None]:
    """Arrays are JSON in files, whatever the database makes of it."""
    own = _core.ddl_defaults(described, dialect)
    if dialect != "postgres" or all(not column["ndim"] for column in described["columns"]):
        return own
    json = _core.ddl_defaults(described, "sqlite")
    return [
        json[at] if column["ndim"] and column["db_default"] is None else own[at]
        for at, column in enumerate(described["columns"])
    ]


def _field(column: ColumnMeta, described: Dict, default: str | None, *, single_key: bool) -> Dict:
    field: Dict = {
        "name": described["name"],
        "column_type": _column_type(described),
        "nullable": described["nullable"],
        "primary_key": described["primary_key"],
        "unique": described["unique"],
        "db_type": described["db_type"] or None,
        "default": default,
        "comment": described["comment"] or None,
    }
    if single_key and column.primary_key and not described["is_foreign_key"] and _counts(described):
        field["auto_increment"] = True
    return field


def _counts(described: Dict) -> bool:
    db_type = described["db_type"].strip().upper()
    return db_type in _SERIAL or (not db_type and _KIND_NAMES[described["kind"]] == "big_integer")


def _column_type(described: Dict) -> Dict:
    ndim = described["ndim"]
    kind = _KIND_NAMES[described["elem"] if ndim else described["kind"]]
    type_: Dict = {"kind": kind}
    if kind == "string" and described["size"]:
        type_["length"] = described["size"]
    elif kind == "decimal":
        type_.update(_digits(described["size"], described["scale"]))
    elif kind == "enum":
        type_.update(name=described["enum_name"], values=list(described["enum_values"]))
    for _ in range(ndim):
        type_ = {"kind": "array", "item": type_}
    return type_


def _digits(size: int, scale: int) -> Dict:
    return {**({"precision": size} if size else {}), **({"scale": scale} if scale >= 0 else {})}


def _index(described: Mapping[str, Any]) -> Dict:
    index: Dict = {
        "name": described["name"],
        "fields": list(described["columns"]),
        "unique": described["unique"],
    }
    extra = {key: described[key] for key in ("method", "where", "constraint") if described[key]}
    return {**index, **extra}


def _foreign_key(described: Mapping[str, Any]) -> Dict:
    schema, table = described["target_schema"], described["target_table"]
    return {
        "name": described["name"],
        "columns": list(described["columns"]),
        "ref_table": f"{schema}.{table}" if schema else table,
        "ref_columns": list(described["target_columns"]),
        "on_delete": described["on_delete"],
        "on_update": described["on_update"],
    }


# --- what several models say together ------------------------------------------------------


def _wider(known: tuple[type[Any], Dict] | None, other: tuple[type[Any], Dict]) -> tuple[type[Any], Dict]:
    """Of two models of a table the one whose columns contain the other's."""
    if known is None:
        return other
    for large, small in ((known, other), (other, known)):
        columns = {field["name"]: field for field in large[1]["fields"]}
        if all(columns.get(field["name"]) == field for field in small[1]["fields"]):
            return large
    raise SchemaError(
        f"{_named(known[0])} and {_named(other[0])} describe the table {known[1]['name']!r} differently: "
        "the columns of one must contain those of the other unchanged"
    )


def _collect_enums(model: type[Any], described: Dict, enums: dict[str, tuple[type[Any], list[str]]]) -> None:
    for column in described["columns"]:
        if not column["enum_name"]:
            continue
        schema, values = column["enum_schema"], list(column["enum_values"])
        key = f"{schema}.{column['enum_name']}" if schema else column["enum_name"]
        owner, known = enums.setdefault(key, (model, values))
        if known != values:
            raise SchemaError(
                f"enum type {key!r} has conflicting value sets: {known} in {_named(owner)}, "
                f"{values} in {_named(model)}. Rename one of the enum classes"
            )


def _named(model: type[Any]) -> str:
    return f"{model.__module__}.{model.__qualname__}"
