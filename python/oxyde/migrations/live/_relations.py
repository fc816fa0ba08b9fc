"""Which relation of a model a foreign key becomes, and what its id fields are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ._class_names import snake_name
from ._reading import Dict

__all__ = ["Relation", "relations_of"]

# What a key's type is for a column that refers to it.
_PLAIN = {"SERIAL": "INTEGER", "BIGSERIAL": None, "SMALLSERIAL": "SMALLINT"}


@dataclass
class Relation:
    """A foreign key as an attribute.

    `ids`: column to the name of its id field. `declared`: those the model has to write out, because
    their names or types do not follow from the target. `db_fk`: the target's column, if it is no key.
    """

    name: str
    fk: Dict
    target: str
    ids: dict[str, str]
    declared: set[str]
    db_fk: str | None
    optional: bool

    @property
    def first(self) -> str:
        """The column at whose place the relation stands."""
        return next(iter(self.ids))


def relations_of(
    table: Dict,
    tables: Mapping[str, Dict],
    names: Callable[[str, str], str],
    taken: set[str],
) -> tuple[list[Relation], list[Dict]]:
    """The relations of a table, and the foreign keys that no relation can say.

    `names` gives the attribute of (table, column); `taken` are the attributes there are, and grows.
    """
    found: list[Relation] = []
    left: list[Dict] = []
    used: dict[str, str] = {}
    for fk in sorted(table["foreign_keys"], key=lambda fk: -len(fk["columns"])):
        relation = _Maker(table, tables, names, taken, used).relation(fk)
        if relation is None:
            left.append(fk)
            continue
        found.append(relation)
        used.update(relation.ids)
        taken |= {relation.name, *relation.ids.values()}
    return found, left


@dataclass
class _Maker:
    """What a relation is made of: its table, all tables, their attributes, and what is in use already."""

    table: Dict
    tables: Mapping[str, Dict]
    names: Callable[[str, str], str]
    taken: set[str]
    used: Mapping[str, str]

    def relation(self, fk: Dict) -> Relation | None:
        target = self.tables.get(fk["ref_table"])
        pairs = None if target is None else _in_key_order(fk, target)
        if target is None or pairs is None:
            return None
        return self._simple(fk, target, *pairs[0]) if len(pairs) == 1 else self._composite(fk, target, pairs)

    def _composite(self, fk: Dict, target: Dict, pairs: list[tuple[str, str]]) -> Relation | None:
        if any(column in self.used for column, _ in pairs):
            return None
        fields = {field["name"]: field for field in self.table["fields"]}
        optional = all(fields[column]["nullable"] for column, _ in pairs)
        name = _free(snake_name(target["name"]), self.taken)
        ids = {column: f"{name}_{self.names(fk['ref_table'], ref)}" for column, ref in pairs}
        return Relation(name, fk, fk["ref_table"], ids, set(ids), None, optional)

    def _simple(self, fk: Dict, target: Dict, column: str, ref: str) -> Relation:
        (field,) = (field for field in self.table["fields"] if field["name"] == column)
        (referenced,) = (field for field in target["fields"] if field["name"] == ref)
        ref_name = self.names(fk["ref_table"], ref)
        attribute = self.used.get(column) or self.names(self.table["key"], column)
        name = _free(_base_name(attribute, ref_name, target["name"]), self.taken)
        declared = attribute != column or column in self.used or not _follows(field, referenced)
        keys = [field["name"] for field in target["fields"] if field["primary_key"]]
        return Relation(
            name,
            fk,
            fk["ref_table"],
            {column: attribute},
            {column} if declared else set(),
            None if keys == [ref] else ref_name,
            field["nullable"],
        )


def _in_key_order(fk: Dict, target: Dict) -> list[tuple[str, str]] | None:
    """(column, referenced column) pairs; None where no relation can name what they refer to."""
    pairs = list(zip(fk["columns"], fk["ref_columns"], strict=True))
    keys = [field["name"] for field in target["fields"] if field["primary_key"]]
    unique = {field["name"] for field in target["fields"] if field["unique"]}
    if len(pairs) == 1:
        return pairs if keys == [pairs[0][1]] or pairs[0][1] in unique else None
    by_ref = {ref: (column, ref) for column, ref in pairs}
    return [by_ref[key] for key in keys] if set(by_ref) == set(keys) else None


def _follows(field: Dict, referenced: Dict) -> bool:
    """Whether a generated id field would have the column's type."""
    return _type(field) == _type(referenced)


def _type(field: Dict) -> tuple[Any, Any]:
    db_type = field.get("db_type")
    return field["column_type"], _PLAIN.get(str(db_type), db_type)


def _base_name(attribute: str, reference: str, target: str) -> str:
    snake = snake_name(attribute)
    if attribute.endswith(f"_{reference}") and attribute != f"_{reference}":
        return attribute[: -len(reference) - 1]
    for ending in ("_id", "_code", "_no"):
        if snake.endswith(ending) and snake != ending:
            return snake.removesuffix(ending)
    return snake_name(target)


def _free(name: str, taken: set[str]) -> str:
    name = name if name.isidentifier() else f"t_{name}"
    while name in taken:
        name += "_ref" if not name.endswith("_ref") else "_"
    return name
