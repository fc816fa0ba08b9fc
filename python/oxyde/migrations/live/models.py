"""`generate_models`: the source of models for the tables of a snapshot."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...models.base import Model
from .._fields import normal_table, qualified
from ._class_names import class_name
from ._reading import Dict
from ._relations import Relation, relations_of
from ._source import assignment, call, quoted, sequence

__all__ = ["generate_models"]

# Kind to annotation and the import that it needs.
_ANNOTATIONS = {
    "big_integer": ("int", ""),
    "double": ("float", ""),
    "boolean": ("bool", ""),
    "text": ("str", ""),
    "string": ("str", ""),
    "unknown": ("str", ""),
    "blob": ("bytes", ""),
    "date_time": ("dt.datetime", "import datetime as dt"),
    "date_time_utc": ("AwareDatetime", "from pydantic import AwareDatetime"),
    "date": ("dt.date", "import datetime as dt"),
    "time": ("dt.time", "import datetime as dt"),
    "timedelta": ("dt.timedelta", "import datetime as dt"),
    "interval": ("dt.timedelta", "import datetime as dt"),
    "uuid": ("UUID", "from uuid import UUID"),
    "decimal": ("Decimal", "from decimal import Decimal"),
    "json": ("Any", "from typing import Any"),
    "json_binary": ("Any", "from typing import Any"),
    "inet": ("IPv4Interface | IPv6Interface", "from ipaddress import IPv4Interface, IPv6Interface"),
    "cidr": ("IPv4Network | IPv6Network", "from ipaddress import IPv4Network, IPv6Network"),
}
_IMPORT_ORDER = (
    "import datetime as dt",
    "from decimal import Decimal",
    "from enum import Enum",
    "from ipaddress import IPv4Interface, IPv6Interface",
    "from ipaddress import IPv4Network, IPv6Network",
    "from typing import Annotated",
    "from typing import Any",
    "from uuid import UUID",
)
_IMPORTED = {
    "Annotated",
    "dt",
    "Decimal",
    "Enum",
    "Any",
    "UUID",
    "AwareDatetime",
    "Model",
    "Field",
    "Index",
    "Check",
}
_IMPORTED |= {"IPv4Interface", "IPv6Interface", "IPv4Network", "IPv6Network"}
_TYPES = {"int", "float", "bool", "str", "bytes", "list"}
_RESERVED = frozenset({*dir(Model), *keyword.kwlist, *_IMPORTED, *_TYPES, "Meta", "objects"})


def generate_models(snapshot: Mapping[str, Any]) -> str:
    """The source of a module with one model per table of `snapshot`, as `inspect_database` gives it.

    Imported and compared with the same database there is no difference, but for what is written as
    a comment: views, expression indexes and whatever else no model can say.
    """
    return _Module(snapshot).source()


class _Module:
    """The module in the making: names are given first, then each class is written."""

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        self.tables: dict[str, Dict] = {}
        for key, table in snapshot.get("tables", {}).items():
            self.tables[key] = {**normal_table(table), "key": key}
        self.notes: Mapping[str, list[str]] = snapshot.get("notes") or {}
        self.imports: set[str] = set()
        self.from_oxyde = {"Model"}
        self.enums: dict[str, tuple[str, list[str]]] = {}
        self.classes: dict[str, str] = {}
        self.attributes: dict[str, dict[str, str]] = {}
        taken = set(_IMPORTED)
        for key, table in self.tables.items():
            self.classes[key] = _unused(class_name(table["name"]), taken)
        self.class_names = taken
        for key, table in self.tables.items():
            self.attributes[key] = _attributes(table, taken)

    def source(self) -> str:
        classes = [self._class(key) for key in _referenced_first(self.tables)]
        enums = [_enum(name, values) for name, values in sorted(self.enums.values())]
        rest = [
            f"# {key}: {_one_line(note)}"
            for key, notes in sorted(self.notes.items())
            if key not in self.tables
            for note in notes
        ]
        parts = [*enums, *classes]
        text = "\n\n\n".join([self._head(), *parts]) if parts else self._head()
        return text + ("\n\n\n" if parts else "\n\n") * bool(rest) + "\n".join(rest) + "\n"

    def _head(self) -> str:
        lines = ['"""Models of an existing database."""', "", "from __future__ import annotations", ""]
        own = [line for line in _IMPORT_ORDER if line in self.imports]
        for module in ("from ipaddress", "from typing"):
            same = [at for at, line in enumerate(own) if line.startswith(module)]
            if len(same) == 2:
                own[same[0]] += f", {own.pop(same[1]).partition(' import ')[2]}"
        lines += [*own, ""] if own else []
        if self.tables:
            lines.append(f"from oxyde import {', '.join(sorted(self.from_oxyde))}")
        lines += [line for line in self.imports if line.startswith("from pydantic")]
        return "\n".join(lines).rstrip()

    # --- one class ----------------------------------------------------------------------------------

    def _class(self, key: str) -> str:
        table, attributes = self.tables[key], self.attributes[key]
        taken = {*attributes.values(), *_RESERVED, *self.class_names}
        relations, left = relations_of(table, self.tables, lambda t, c: self.attributes[t][c], taken)
        for relation in relations:
            attributes.update(relation.ids)
        lines = [f"# {_one_line(note)}" for note in self.notes.get(key, ())]
        lines += [_foreign_key_note(fk) for fk in left]
        lines.append(f"class {self.classes[key]}(Model):")
        declared: set[str] = set()
        for field in table["fields"]:
            mine = [relation for relation in relations if field["name"] in relation.ids]
            explicit = not mine or any(field["name"] in relation.declared for relation in mine)
            if explicit:
                lines.append(self._field(key, field, attributes[field["name"]]))
            for relation in mine:
                if relation.name not in declared:
                    declared.add(relation.name)
                    lines.append(self._relation(relation, None if explicit else field, key))
        return "\n".join([*lines, "", *self._meta(table, attributes)])

    def _field(self, key: str, field: Dict, attribute: str) -> str:
        annotation = self._annotation(self.tables[key], field, field["column_type"])
        arguments = [*self._sizes(field), *_settings(field)]
        if attribute != field["name"]:
            arguments.append(f"db_column={quoted(field['name'])}")
        auto = field["primary_key"] and field.get("auto_increment")
        optional = field["nullable"] or auto
        if optional:
            annotation += " | None"
        if not optional and not field.get("default") and not arguments:
            return f"    {attribute}: {annotation}"
        if optional and not field.get("default"):
            if not arguments:
                return f"    {attribute}: {annotation} = None"
            arguments.insert(0, "default=None")
        self.from_oxyde.add("Field")
        return assignment(f"{attribute}: {annotation}", "Field", arguments, 4)

    def _annotation(self, table: Dict, field: Dict, column_type: Dict) -> str:
        kind = column_type["kind"]
        if kind == "array":
            return f"list[{self._item(table, field, column_type['item'])}]"
        values = column_type.get("values") or column_type.get("labels")
        if values:
            return self._enum_name(table, field, column_type, values)
        annotation, needed = _ANNOTATIONS.get(kind, ("str", ""))
        if needed:
            self.imports.add(needed)
        return annotation

    def _item(self, table: Dict, field: Dict, item: Dict) -> str:
        if item["kind"] != "string" or field.get("db_type"):
            return self._annotation(table, field, item)
        self.imports.add("from typing import Annotated")
        self.from_oxyde.add("Field")
        return f"Annotated[str, Field(max_length={item['length']})]"

    def _enum_name(self, table: Dict, field: Dict, column_type: Dict, values: list[str]) -> str:
        type_name = column_type.get("name") or column_type.get("type_name") or ""
        # MySQL's are named after their column, and so is the class.
        name = class_name(type_name.removesuffix("_enum") or f"{table['name']}_{field['name']}")
        key = f"{type_name} {values}"
        if key not in self.enums:
            self.imports.add("from enum import Enum")
            self.enums[key] = (_unused(name, self.class_names), list(values))
        return self.enums[key][0]

    @staticmethod
    def _sizes(field: Dict) -> Iterator[str]:
        column_type = field["column_type"]
        if field.get("db_type"):
            return
        while column_type["kind"] == "array" and column_type["item"]["kind"] != "string":
            column_type = column_type["item"]
        if column_type["kind"] == "string":
            yield f"max_length={column_type['length']}"
        elif column_type["kind"] == "decimal" and "precision" in column_type:
            yield f"max_digits={column_type['precision']}"
            yield f"decimal_places={column_type.get('scale', 0)}"

    def _relation(self, relation: Relation, column: Dict | None, key: str) -> str:
        """The attribute; `column` is that of its id field unless the field is written out."""
        arguments = [] if not relation.optional else ["default=None"]
        single = len(relation.ids) == 1
        if column is not None:
            arguments += [each for each in _settings(column) if not each.startswith("db_type=")]
        if relation.db_fk is not None:
            arguments.append(f"db_fk={quoted(relation.db_fk)}")
        id_name = relation.ids[relation.first]
        reference = self.attributes[relation.target][relation.fk["ref_columns"][0]]
        if single and id_name != f"{relation.name}_{reference}":
            arguments.append(f"db_column={quoted(id_name)}")
        for action, default in (("on_delete", "RESTRICT"), ("on_update", "CASCADE")):
            if relation.fk[action] != default:
                arguments.append(f"db_{action}={quoted(relation.fk[action])}")
        annotation = self.classes[relation.target] + (" | None" if relation.optional else "")
        if not arguments:
            return f"    {relation.name}: {annotation}"
        if arguments == ["default=None"]:
            return f"    {relation.name}: {annotation} = None"
        self.from_oxyde.add("Field")
        return assignment(f"{relation.name}: {annotation}", "Field", arguments, 4)

    def _meta(self, table: Dict, attributes: Mapping[str, str]) -> Iterator[str]:
        yield "    class Meta:"
        yield "        is_table = True"
        yield f"        table_name = {quoted(table['name'])}"
        for option in ("schema", "comment"):
            if table.get(option):
                yield f"        {option} = {quoted(table[option])}"
        groups = [
            _tuple(index["fields"], attributes) for index in table["indexes"] if index.get("constraint")
        ]
        if groups:
            yield f"        unique_together = {sequence(groups, 8, 18)}"
        indexes = [
            _index(table, index, attributes) for index in table["indexes"] if not index.get("constraint")
        ]
        if indexes:
            self.from_oxyde.add("Index")
            yield f"        indexes = {sequence(indexes, 8, 10)}"
        checks = [
            call("Check", [quoted(check["expression"]), f"name={quoted(check['name'])}"], 12, 0, 1)
            for check in table["checks"]
        ]
        if checks:
            self.from_oxyde.add("Check")
            yield f"        constraints = {sequence(checks, 8, 14)}"


# --- parts ---------------------------------------------------------------------------------------------


def _settings(field: Dict) -> Iterator[str]:
    if field["primary_key"]:
        yield "db_pk=True"
    if field["unique"]:
        yield "db_unique=True"
    for argument, key in (("db_type", "db_type"), ("db_default", "default"), ("db_comment", "comment")):
        if field.get(key):
            yield f"{argument}={quoted(field[key])}"


def _index(table: Dict, index: Dict, attributes: Mapping[str, str]) -> str:
    arguments = [_tuple(index["fields"], attributes)]
    if index["name"] != f"{table['name']}_{'_'.join(index['fields'])}_idx":
        arguments.append(f"name={quoted(index['name'])}")
    if index.get("method"):
        arguments.append(f"method={quoted(index['method'])}")
    if index["unique"]:
        arguments.append("unique=True")
    if index.get("where"):
        arguments.append(f"where={quoted(index['where'])}")
    return call("Index", arguments, 12, 0, 1)


def _tuple(columns: Iterable[str], attributes: Mapping[str, str]) -> str:
    names = [quoted(attributes[column]) for column in columns]
    return f"({names[0]},)" if len(names) == 1 else f"({', '.join(names)})"


def _enum(name: str, values: Iterable[str]) -> str:
    lines, taken = [f"class {name}(str, Enum):"], set[str]()
    for value in values:
        member = re.sub(r"\W+", "_", value).strip("_").upper() or "EMPTY"
        member = _unused(member if member.isidentifier() else f"V_{member}", taken)
        lines.append(f"    {member} = {quoted(value)}")
    return "\n".join(lines)


def _unused(name: str, taken: set[str]) -> str:
    """The name, or one like it that nothing has; taken from then on."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _attributes(table: Dict, classes: set[str]) -> dict[str, str]:
    """Column to attribute: its name, if Python and the model have no other use for it."""
    taken = {*_RESERVED, *classes}
    names = [field["name"] for field in table["fields"]]
    exact = {name for name in names if name.isidentifier() and name not in taken and not _refused(name)}
    found: dict[str, str] = {}
    for name in names:
        if name in exact:
            found[name] = name
            continue
        made = re.sub(r"\W+", "_", name).strip("_") or "column"
        made = f"c_{made}" if not made[0].isalpha() or _refused(made) else made
        while made in taken or made in exact or made in found.values():
            made += "_"
        found[name] = made
    return found


def _refused(name: str) -> bool:
    """Names that Pydantic keeps for itself."""
    return name.startswith(("_", "model_validate", "model_dump"))


def _foreign_key_note(fk: Dict) -> str:
    return (
        f"# foreign key {fk['name']} ({', '.join(fk['columns'])}) to "
        f"{fk['ref_table']} ({', '.join(fk['ref_columns'])})"
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _referenced_first(tables: Mapping[str, Dict]) -> list[str]:
    """The tables so that, cycles apart, what is referred to comes before."""
    done: dict[str, None] = {}

    def visit(key: str, way: tuple[str, ...]) -> None:
        if key in done or key in way:
            return
        for target in sorted({fk["ref_table"] for fk in tables[key]["foreign_keys"]} & tables.keys()):
            visit(target, (*way, key))
        done[key] = None

    for key in sorted(tables, key=lambda key: qualified(tables[key])):
        visit(key, ())
    return list(done)
