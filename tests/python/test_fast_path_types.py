"""The fast path and Pydantic agree on every type of the round trips: on what was stored of a value,
and on whatever else such a column could bring."""

from __future__ import annotations

import enum
import json
import types
from typing import Any, Optional

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from loading import by_pydantic, outcome, plan_of
from strategies import DECODED, Case, Row, decoded
from subjects import SUBJECTS, Subject

from oxyde.models._stored import to_stored_for
from oxyde.models._types import ColumnType, column_type

CONFIG: list[dict[str, Any]] = [{}, {"strict": True}, {"frozen": True}]


def _plain(value: Any) -> Any:
    """Enum members and containers as a decoder brings them."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, enum.Enum) else value


def _cell(subject: Subject, column: ColumnType, value: Any) -> Any:
    """What a cell of that column is decoded to after the value was stored."""
    if column.load_kind == column.kind or column.load_kind in ("json", "text"):
        convert = to_stored_for(column, subject.annotation)
        value = value if convert is None else convert(value)
    if column.load_kind == "json" and column.kind in ("text", "string"):
        value = json.loads(value)
    return _plain(value)


def _decoded(column: ColumnType) -> st.SearchStrategy[Any]:
    """Any value that the column could bring."""
    if column.load_kind != "array":
        return decoded(column.load_kind, "unknown")
    items = DECODED["string" if column.load_elem in ("enum", "text") else column.load_elem]
    for _ in range(column.ndim):
        items = st.lists(st.none() | items, max_size=3)
    return items


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_every_type_loads_as_pydantic_validates_it(subject: Subject) -> None:
    column = column_type(subject.annotation, (), subject.arguments.get("db_type"), "M.f")
    pairs = []
    for config in CONFIG:
        for annotation in (subject.annotation, Optional[subject.annotation]):
            body = {"__annotations__": {"f0": annotation}, "model_config": {**Row.model_config, **config}}
            model: Any = types.new_class("Only", (Row,), {}, lambda ns, body=body: ns.update(body))  # type: ignore[misc]
            case = Case(annotation, column.load_kind, column.load_elem or "unknown")
            pairs.append((model, plan_of(model, {"f0": case})))
    stored = subject.values.map(lambda value: _cell(subject, column, value))

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.none() | stored | _decoded(column))
    def examples(value: Any) -> None:
        row = {"f0": value}
        for model, plan in pairs:
            note(str(model.model_fields))
            assert outcome(plan.load, row) == outcome(lambda r, m=model: by_pydantic(m, r), row)  # type: ignore[misc]

    examples()
