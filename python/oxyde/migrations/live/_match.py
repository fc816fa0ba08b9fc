"""A live schema in the words of the models: whatever means the same gets the models' spelling.

The diff can then compare the two as it compares any two snapshots, and says exactly what differs.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from ... import _core
from .._fields import enum_of, qualified
from ._ask import Answer, Question
from ._printed import column_definition, labels_of, same_type
from ._reading import Dict, Reading
from ._text import same_expression, same_loosely

__all__ = ["Matcher"]

_SAME_ACTIONS = {"RESTRICT", "NO ACTION"}


class Matcher:
    """A reading and what the models want of it.

    `matched()` may be called twice: what words could not settle is in `questions` after the first
    call; with the server's `answers` the second call knows.
    """

    def __init__(self, reading: Reading, expected: Dict, backend: str, flavor: str) -> None:
        self.reading, self.expected = reading, expected
        self.backend, self.flavor = backend, flavor
        self.questions: list[Question] = []
        self.answers: dict[Question, Answer] = {}

    def matched(self) -> Dict:
        """The snapshot of the tables that the models describe."""
        tables: dict[str, Dict] = {}
        for key, wanted in self.expected["tables"].items():
            live = self.reading.tables.get(key)
            if live is not None:
                tables[key] = self._table(copy.deepcopy(live), wanted)
        enums = {
            name: list(self.reading.labels[name])
            for name in self.expected["enums"]
            if name in self.reading.labels
        }
        return {"version": 1, "tables": tables, "enums": enums}

    def _table(self, live: Dict, wanted: Dict) -> Dict:
        by_name = {field["name"]: field for field in live["fields"]}
        for field in wanted["fields"]:
            if field["name"] in by_name:
                self._column(live, by_name[field["name"]], wanted, field)
        if self.backend == "sqlite":
            live["comment"] = wanted.get("comment")
        for fk in live["foreign_keys"]:
            self._foreign_key(fk, wanted)
        self._uniques(live, wanted)
        for index in live["indexes"]:
            self._index(live, index, wanted)
        self._checks(live, wanted)
        return live

    # --- columns ----------------------------------------------------------------------------------

    def _column(self, table: Dict, live: Dict, wanted_table: Dict, wanted: Dict) -> None:
        key = qualified(table)
        ours, definition = column_definition(wanted_table, wanted, self.flavor)
        question = Question(key, live["name"], definition)
        answer = self.answers.get(question)
        printed = self.reading.types[key, live["name"]]
        same = same_type(printed, ours, self.backend) or (
            answer is not None and same_type(printed, answer.type, self.backend)
        )
        if same or self._same_label_type(printed, wanted):
            self._take_type(live, wanted)
        if self._same_default(live, wanted, answer):
            _set(live, "default", wanted.get("default"))
        elif answer is None:
            self.questions.append(question)
        if not same:
            self.questions.append(question)
        if self.backend == "sqlite":
            _set(live, "comment", wanted.get("comment"))

    def _same_label_type(self, printed: str, wanted: Dict) -> bool:
        """MySQL's enumerations have no name: another list of values is a change of the values."""
        return (
            self.backend == "mysql"
            and printed.lower().startswith("enum(")
            and not wanted.get("db_type")
            and bool(wanted["column_type"]["kind"] == "enum")
        )

    def _take_type(self, live: Dict, wanted: Dict) -> None:
        labels = labels_of(live["column_type"])
        live["column_type"] = copy.deepcopy(wanted["column_type"])
        _set(live, "db_type", wanted.get("db_type"))
        enum = enum_of(live["column_type"])
        if isinstance(enum, dict) and labels is not None:
            enum["values"] = labels

    def _same_default(self, live: Dict, wanted: Dict, answer: Answer | None) -> bool:
        theirs, ours = live.get("default") or "", wanted.get("default") or ""
        if self._equal_default(wanted, theirs, ours):
            return True
        return answer is not None and self._equal_default(wanted, theirs, answer.text or "")

    def _equal_default(self, wanted: Dict, one: str, other: str) -> bool:
        kind = _core.KIND_NAMES.get(wanted["column_type"]["kind"], _core.KIND_NAMES["unknown"])
        if _core.default_same(kind, one, other):
            return True
        return bool(one and other) and same_expression(one, other, self.backend)

    # --- keys and indexes ---------------------------------------------------------------------------------

    def _foreign_key(self, live: Dict, wanted: Dict) -> None:
        """The pairs of columns have no order; MySQL means RESTRICT by NO ACTION, and MariaDB prints it so."""
        pairs = set(zip(live["columns"], live["ref_columns"], strict=True))
        for fk in wanted["foreign_keys"]:
            if pairs == set(zip(fk["columns"], fk["ref_columns"], strict=True)):
                live["columns"], live["ref_columns"] = list(fk["columns"]), list(fk["ref_columns"])
            if self.backend == "mysql" and fk["columns"] == live["columns"]:
                for action in ("on_delete", "on_update"):
                    if {fk[action], live[action]} <= _SAME_ACTIONS:
                        live[action] = fk[action]

    def _uniques(self, live: Dict, wanted: Dict) -> None:
        """One column may be unique by its definition, or by an index or constraint that comes to the same."""
        wanted_unique = {field["name"] for field in wanted["fields"] if field["unique"]}
        own_indexes = {
            tuple(index["fields"]): index
            for index in wanted["indexes"]
            if index["unique"] and len(index["fields"]) == 1 and not index.get("where")
        }
        for field in live["fields"]:
            name = field["name"]
            alone = [
                index
                for index in live["indexes"]
                if index["unique"] and index["fields"] == [name] and not index.get("where")
            ]
            if name in wanted_unique and not field["unique"] and alone and (name,) not in own_indexes:
                if self._one_thing(alone[0]):
                    live["indexes"].remove(alone[0])
                    field["unique"] = True
            elif name not in wanted_unique and field["unique"] and not alone and (name,) in own_indexes:
                index = own_indexes[name,]
                if self._one_thing(index):
                    field["unique"] = False
                    live["indexes"].append(copy.deepcopy(index))

    def _one_thing(self, index: Dict) -> bool:
        """Whether UNIQUE of a column would leave just this index: SQLite keeps the two apart."""
        return self.backend == "mysql" or (self.backend == "postgres" and bool(index.get("constraint")))

    def _index(self, live_table: Dict, live: Dict, wanted: Dict) -> None:
        for index in wanted["indexes"]:
            if index["fields"] != live["fields"] or index["unique"] != live["unique"]:
                continue
            if self.backend != "postgres":
                for key in ("constraint", "method"):
                    _set(live, key, index.get(key))
            if index["name"] == live["name"]:
                same = self._same(qualified(live_table), live.get("where") or "", index.get("where") or "")
                if same:
                    _set(live, "where", index.get("where"))

    # --- expressions ----------------------------------------------------------------------------------------

    def _checks(self, live: Dict, wanted: Dict) -> None:
        left = list(live["checks"])
        for check in wanted["checks"]:
            for candidate in _by_name_first(left, check["name"]):
                if self._same(qualified(live), candidate["expression"], check["expression"]):
                    candidate["expression"] = check["expression"]
                    left.remove(candidate)
                    break

    def _same(self, table: str, live: str, ours: str) -> bool:
        if not live or not ours:
            return live == ours
        if same_expression(live, ours, self.backend):
            return True
        if self.backend == "sqlite":
            return False
        question = Question(table, "", ours)
        answer = self.answers.get(question)
        if answer is not None and answer.text is not None:
            return same_expression(live, answer.text, self.backend)
        self.questions.append(question)
        return same_loosely(live, ours, self.backend)


def _by_name_first(checks: list[Dict], name: str) -> Iterator[Dict]:
    yield from [check for check in checks if check["name"] == name]
    yield from [check for check in checks if check["name"] != name]


def _set(item: Dict, key: str, value: Any) -> None:
    if value is None:
        item.pop(key, None)
    else:
        item[key] = value
