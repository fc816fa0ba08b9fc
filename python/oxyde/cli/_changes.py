"""What `makemigrations` finds: the operations, after the questions that only a person can answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import typer

from ..migrations import compute_diff
from ..migrations._renames import Removed, Rename, removed_values, rename_candidates
from ..migrations._untracked import as_tracked, untracked_words
from ..migrations._words import missing_value
from ..migrations.errors import SchemaError
from ._session import note, usage_error

Operation = dict[str, Any]


@dataclass
class Changes:
    """Two snapshots and the answers so far."""

    old: Mapping[str, Any]
    new: Mapping[str, Any]
    renames: list[str]
    defaults: dict[str, str]
    asks: bool
    _refused: set[str] = field(default_factory=set)

    def operations(self, *, adopt: bool) -> tuple[list[Operation], list[str]]:
        """The operations, and a line for each thing that older files left out."""
        self._check_renames()
        if self.asks:
            self._ask_renames()
        changes = compute_diff(self.old, self.new, renames=self.renames)
        adopted = compute_diff(as_tracked(self.old), self.new, renames=self.renames)
        lines = untracked_words(changes, adopted)
        if lines and not adopt and self.asks:
            for line in lines:
                typer.echo(line, err=True)
            adopt = typer.confirm("Add what was never migrated?", default=False, err=True)
        if adopt:
            changes, lines = adopted, []
        return self._with_values(changes), lines

    def hint(self, operations: Sequence[Operation]) -> None:
        """Says what was not asked."""
        if self.asks:
            return
        for each in rename_candidates(operations):
            note(f"If {each.old} was renamed to {each.new}: --rename {each.text}")

    # --- renames ---------------------------------------------------------------------------

    def _check_renames(self) -> None:
        """Every rename that was given fits; what does not is an error of usage."""
        if not self.renames:
            return
        compute_diff(self.old, self.new)
        try:
            compute_diff(self.old, self.new, renames=self.renames)
        except (SchemaError, ValueError) as error:
            usage_error(f"--rename: {error}")

    def _ask_renames(self) -> None:
        """Asks one question at a time: each answer may change what is left to ask."""
        while True:
            operations = compute_diff(self.old, self.new, renames=self.renames)
            question = next(self._open_questions(operations), None)
            if question is None:
                return
            answer = _ask_rename(question) if isinstance(question, Rename) else _ask_value(question)
            if answer is None:
                self._refused.add(_key(question))
            else:
                self.renames.append(answer)

    def _open_questions(self, operations: Sequence[Operation]) -> Iterator[Rename | Removed]:
        questions: list[Rename | Removed] = [*rename_candidates(operations), *removed_values(operations)]
        for question in questions:
            if _key(question) not in self._refused and not self._is_answered(question):
                yield question

    def _is_answered(self, question: Rename | Removed) -> bool:
        # A value of an enum stays in the list until every other one is answered too.
        return isinstance(question, Removed) and any(
            text.startswith(f"{question.enum}.{question.value}:") for text in self.renames
        )

    # --- values for existing rows -------------------------------------------------------------

    def _with_values(self, operations: list[Operation]) -> list[Operation]:
        unused = self.defaults.keys() - {_column_of(op) for op in operations}
        if unused:
            usage_error(
                f"--default: {', '.join(sorted(unused))} is no new or tightened NOT NULL column; "
                "it is written TABLE.COLUMN=SQL"
            )
        return [
            op if (value := self._value_of(op)) is None else {**op, "backfill": value} for op in operations
        ]

    def _value_of(self, op: Operation) -> str | None:
        name = _column_of(op)
        if name in self.defaults:
            return self.defaults[name]
        missing = missing_value(op)
        if not self.asks or missing is None:
            return None
        value = typer.prompt(
            f"{missing} is NOT NULL: SQL for its value in existing rows (empty for none)",
            default="",
            show_default=False,
            err=True,
        )
        return value.strip() or None


def parse_defaults(given: Iterable[str]) -> dict[str, str]:
    """`["crate.kg=0"]` as `{"crate.kg": "0"}`."""
    found = {}
    for text in given:
        name, equals, sql = text.partition("=")
        if not equals or "." not in name or not sql.strip():
            usage_error(f"--default is written TABLE.COLUMN=SQL, not {text!r}")
        found[name.strip()] = sql.strip()
    return found


def _column_of(op: Operation) -> str | None:
    if op["type"] == "add_column" and not op["field"]["nullable"]:
        return f"{op['table']}.{op['field']['name']}"
    if op["type"] == "alter_column" and op["changes"].get("nullable") is False:
        return f"{op['table']}.{op['column']}"
    return None


def _key(question: Rename | Removed) -> str:
    return question.text if isinstance(question, Rename) else f"{question.enum}.{question.value}"


def _ask_rename(question: Rename) -> str | None:
    yes = typer.confirm(f"Was {question.old} renamed to {question.new}?", default=False, err=True)
    return question.text if yes else None


def _ask_value(question: Removed) -> str | None:
    shown = ", ".join(question.choices)
    while True:
        value = typer.prompt(
            f"{question.enum} has no {question.value!r} any more: what do rows that hold it get? "
            f"({shown}; empty for none)",
            default="",
            show_default=False,
            err=True,
        ).strip()
        if not value:
            return None
        if value in question.choices:
            return question.becomes(value)
        typer.echo(f"{value!r} is not one of them.", err=True)
