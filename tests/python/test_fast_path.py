"""A row loads as if Pydantic had validated its decoded values: same object, or same error."""

from __future__ import annotations

import pytest
import strategies
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException
from loading import by_pydantic, outcome, plan_of
from strategies import CASES, Case, Made, Row

# --- the promise ------------------------------------------------------------------------------


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_rows_load_exactly_as_pydantic_validates_them(data: st.DataObject) -> None:
    try:
        made: Made = data.draw(strategies.models())
    except HypothesisException:
        raise
    except Exception:
        assume(False)  # Pydantic refuses the class itself
        raise
    plan = plan_of(made.model, made.columns)
    for _ in range(5):
        row = data.draw(strategies.rows(made))
        note(f"{made.text} {made.traits} {row}")
        assert outcome(plan.load, row) == outcome(lambda r: by_pydantic(made.model, r), row)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.annotation}-{case.kind}"[:60])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_kind_of_field_loads_as_pydantic_validates_it(case: Case, data: st.DataObject) -> None:
    class Only(Row):
        f0: case.annotation  # type: ignore[name-defined]

    plan = plan_of(Only, {"f0": case})
    for value in (None, *data.draw(st.lists(case.values(), min_size=4, max_size=4))):
        row = {"f0": value}
        assert outcome(plan.load, row) == outcome(lambda r: by_pydantic(Only, r), row)
