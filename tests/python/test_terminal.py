"""Plain calls of terminals and filter() run without a Python frame, as the written functions would."""

from __future__ import annotations

import copy
import inspect
import sys
from typing import Any

import pytest

from oxyde import Field, Model, Q, _core, create_tables, db
from oxyde.queries import Query


class TerminalRow(Model):
    id: int | None = Field(default=None, db_pk=True)
    a: int = 0
    name: str = ""
    conditions: str = ""
    others: list[TerminalOther] = Field(default_factory=list, db_reverse_fk="row")

    class Meta:
        is_table = True
        table_name = "terminal_row"


class TerminalOther(Model):
    id: int | None = Field(default=None, db_pk=True)
    row: TerminalRow | None = None
    b: int = 0

    class Meta:
        is_table = True
        table_name = "terminal_other"


TERMINALS = ("all", "get", "get_or_none", "exists", "count")


def loose(word: str) -> str:
    """An equal text that is another object, as keywords from outside are."""
    return "".join(list(word))


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    ((), {"a": 1}),
    ((), {"a": "1"}),
    ((), {"a": "no number"}),
    ((), {"a__gte": 1, "name": "x", "id__in": [1, 2]}),
    ((), {"conditions": "x"}),
    ((), {"others__b": 1}),
    ((), {"others__b": 1, "others__id__gt": 2}),
    ((), {"others__b": 1, "a": 1, "others__id__gt": 2}),
    ((), {"pk": 1}),
    ((), {"missing": 1}),
    ((), {"a__missing": 1}),
    ((), {"a": None}),
    ((), {"a": Q(a=1)}),
    ((), {"a__in": iter([1, 2])}),
    ((), {"self": 1}),
    ((), {loose("a"): 1}),
    ((), {"a": 1, "using": "elsewhere"}),
    ((), {"a": 1, loose("using"): "elsewhere"}),
    ((), {"using": 1}),
    ((), {"client": object()}),
    ((), {"as_": 1, "a": 2}),
    ((), {"mode": "dict"}),
    ((), {"mode": "no mode"}),
    ((Q(a=1),), {}),
    ((Q(a=1),), {"name": "x"}),
    ((1,), {}),
]
QUERIES = [
    TerminalRow.objects.filter(),
    TerminalRow.objects.filter(a=5),
    TerminalRow.objects.filter().none(),
    TerminalRow.objects.order_by("-a")[2:4],
    TerminalRow.objects.filter().prefetch("others"),
]


def told(made: Any) -> Any:
    """What a call gave, in a form that can be compared."""
    if isinstance(made, _core.QueryState):
        return type(made).__name__, made.sql(dialect="sqlite")
    shown = type(made).__name__, repr(made)[:40] if inspect.iscoroutine(made) is False else made.__name__
    made.close()
    return shown


def outcome(function: Any, query: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    kwargs = {key: copy.copy(value) if hasattr(value, "__next__") else value for key, value in kwargs.items()}
    try:
        return told(function(query, *args, **kwargs))
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("name", [*TERMINALS, "filter"])
@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(("args", "kwargs"), CALLS)
def test_a_call_is_the_function_s(
    name: str, query: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    method = getattr(Query, name)
    assert outcome(method, query, args, kwargs) == outcome(method.__wrapped__, query, args, kwargs)


async def answer(function: Any, query: Any, kwargs: dict[str, Any]) -> Any:
    try:
        return await function(query, **kwargs)
    except Exception as error:
        return type(error), str(error)


@pytest.mark.asyncio
async def test_what_runs_is_the_function_s() -> None:
    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database, models=[TerminalRow, TerminalOther])
        rows = await TerminalRow.objects.bulk_create([TerminalRow(a=n % 3, name=str(n)) for n in range(9)])
        await TerminalOther.objects.create(row=rows[4], b=7)
        base = TerminalRow.objects
        queries = (
            base.filter(),
            base.filter(a=1),
            base.order_by("-id")[2:4],
            base.filter().prefetch("others"),
        )
        for query in queries:
            for name in TERMINALS:
                calls = ({"name": "4"}, {"name": "4", "a": 1}, {"a": 1}, {"a": 99}, {"others__b": 7})
                for kwargs in ({}, *(calls if name.startswith("get") else ())):
                    method = getattr(Query, name)
                    assert await answer(method, query, kwargs) == await answer(
                        method.__wrapped__, query, kwargs
                    )


def refusal(function: Any, args: tuple[Any, ...]) -> tuple[type[Exception], str]:
    with pytest.raises((TypeError, AttributeError)) as seen:
        function(*args, a=1)
    return seen.type, str(seen.value)


@pytest.mark.parametrize("name", [*TERMINALS, "filter"])
def test_another_receiver_is_the_function_s_affair(name: str) -> None:
    method = getattr(Query, name)
    for args in ((), (1,), (TerminalRow,)):
        assert refusal(method, args) == refusal(method.__wrapped__, args)


def frames(call: Any) -> list[str]:
    """The Python functions that run in a call."""
    names: list[str] = []

    def note(frame: Any, event: str, _arg: Any) -> None:
        if event == "call":
            names.append(frame.f_code.co_qualname if sys.version_info >= (3, 11) else frame.f_code.co_name)

    sys.setprofile(note)
    try:
        made = call()
    finally:
        sys.setprofile(None)
    if not isinstance(made, _core.QueryState):
        made.close()
    return [name for name in names if "lambda" not in name]


def test_plain_calls_need_no_frame() -> None:
    rows = TerminalRow.objects
    rows.get(a=1).close()  # names are resolved once
    query = rows.filter(a=1, name="x")
    assert frames(lambda: rows.get(a=1)) == []
    assert frames(lambda: rows.get(a=1, name="x")) == []
    assert frames(lambda: rows.get_or_none(a=1)) == []
    assert frames(lambda: rows.filter(a=1)) == []
    assert frames(lambda: query.filter(name="x")) == []
    assert frames(query.all) == []
    assert frames(query.count) == []
    assert frames(query.exists) == []
    assert frames(lambda: rows.get(Q(a=1))) != []


def test_it_looks_like_the_function() -> None:
    for name in (*TERMINALS, "filter"):
        method = getattr(Query, name)
        written = method.__wrapped__
        assert inspect.signature(method) == inspect.signature(written)
        assert (method.__doc__, method.__name__, method.__qualname__, method.__module__) == (
            written.__doc__,
            written.__name__,
            written.__qualname__,
            written.__module__,
        )
        assert inspect.isroutine(method)
        assert not inspect.iscoroutinefunction(method)


def test_subclasses_call_it_by_super() -> None:
    class Shouting(Query[Any]):
        def get(self, *conditions: Any, **lookups: Any) -> Any:
            return super().get(*conditions, **{name.lower(): value for name, value in lookups.items()})

    made = Shouting(TerminalRow).get(A=1)
    assert isinstance(made, _core.Operation)
    made.close()
    assert type(Shouting(TerminalRow).filter(a=1)) is Shouting


def test_only_reading_terminals_are_made() -> None:
    with pytest.raises(ValueError, match="a terminal reads"):
        _core.terminal(lambda self: None, what=_core.DO_DELETE)
    with pytest.raises(TypeError):
        _core.terminal(len)


def test_routines_of_a_query_are_found_like_functions() -> None:
    """Historical models and stubs go over the methods of Query."""
    for name in ("filter", "all", "get", "get_or_none", "exists", "count"):
        assert inspect.isroutine(getattr(Query, name))
