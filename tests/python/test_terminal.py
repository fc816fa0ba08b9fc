"""Plain calls of terminals and filter() run without a Python frame, as the written functions would."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import sys
import weakref
from typing import Any

import pytest

from oxyde import Field, Model, Q, _core, create_tables, db, execute_raw
from oxyde.exceptions import MultipleObjectsReturned, NotFoundError
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


class TerminalValues(Model):
    id: int | None = Field(default=None, db_pk=True)
    a: int = 0
    name: str = ""
    weight: float = 0.0
    good: bool = False

    class Meta:
        is_table = True
        table_name = "terminal_values"


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


def by_filter(query: Any, name: str, lookups: dict[str, Any]) -> Any:
    return getattr(query.filter(**lookups), name)()


@pytest.mark.asyncio
async def test_lookups_of_a_terminal_are_those_of_a_query() -> None:
    """They find the statement that the same conditions have in filter(), in whichever order of calls."""
    calls: list[tuple[dict[str, Any], ...]] = [
        ({"id": 3},),
        ({"id": 3}, {"a__gte": 0}),
        ({"id": 3, "a__gte": 0}, {"name__ne": ""}),
        ({"id": 3, "a__lt": 9}, {"name": "2", "conditions": ""}),
        ({"id": 3, "a__lt": 9, "a__lte": 9, "a__gte": 0, "name": "2"},),
        ({"id": 3, "a__gt": -0.5},),  # not of the column's kind: takes the long way
        ({"id": 3, "name": "2" * 600},),
        ({"id": 3, "a": 2**70},),
    ]
    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database, models=[TerminalRow, TerminalOther])
        await TerminalRow.objects.bulk_create([TerminalRow(a=n % 3, name=str(n)) for n in range(9)])
        for name in ("get", "get_or_none"):
            for call in calls:
                *before, last = call
                query = TerminalRow.objects.filter()
                for lookups in before:
                    query = query.filter(**lookups)
                direct = await answer(getattr(Query, name), query, last)
                known = _core.cache_info()["size"]
                through = await answer(by_filter, query, {"name": name, "lookups": last})
                assert direct == through
                assert _core.cache_info()["size"] == known


@pytest.mark.asyncio
async def test_a_terminal_makes_no_query_of_its_lookups() -> None:
    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database, models=[TerminalRow, TerminalOther])
        await TerminalRow.objects.create(a=1, name="x")
        await TerminalRow.objects.get(a=1, name="x")
        rows = TerminalRow.objects
        made = rows.get(a=1, name="x")
        seen = [o for o in gc.get_referents(made) if isinstance(o, _core.QueryState)]
        assert [query._where_ for query in seen] == [None]
        assert (await made).name == "x"


@pytest.mark.asyncio
async def test_values_of_a_terminal_live_as_long_as_it() -> None:
    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database, models=[TerminalRow, TerminalOther])
        await TerminalRow.objects.create(a=1, name="y" * 5000)
        calls = [TerminalRow.objects.get(a=1, name="".join(["y"] * 5000)) for _ in range(3)]
        gc.collect()
        assert {row.name for row in await asyncio.gather(*calls)} == {"y" * 5000}
        dropped = TerminalRow.objects.get(a=1, name="y" * 5000)
        dropped.close()
        del dropped
        gc.collect()
        for _ in range(2):  # compiled, then found
            with pytest.raises(NotFoundError):
                await TerminalRow.objects.get(a=2, name="y" * 5000)


def test_a_value_that_does_not_fit_is_told_in_the_order_of_the_keywords() -> None:
    rows = TerminalRow.objects
    rows.get(a=1, name="x").close()
    for lookups in (
        {"a": "no", "name": 1},
        {"name": 1, "a": "no"},
        {"name": "x", "a": "no"},
        {"a": "no", "x": 1},
    ):
        assert outcome(Query.get, rows.filter(), (), lookups) == outcome(
            Query.get.__wrapped__, rows.filter(), (), lookups
        )


@pytest.mark.asyncio
async def test_a_row_by_its_key_needs_no_limit() -> None:
    """There is no second one to be told of; whatever else limits the rows does so."""
    seen: list[str] = []
    rows = TerminalRow.objects
    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database, models=[TerminalRow, TerminalOther])
        await rows.create(a=1, name="x")
        db.add_query_hook(hook := lambda event: seen.append(event.sql))
        try:
            for _ in range(2):  # compiled, then found
                for reading, limited in (
                    (rows.get(id=1), False),
                    (rows.get(pk=1, a=1), False),
                    (rows.get_or_none(a__gte=1, id=1), False),
                    (rows.filter(id=1).get(), False),
                    (rows.filter(TerminalRow.id == 1).get(), False),
                    (rows.values_list("a").get(id=1), False),
                    (rows.get(a=1), True),
                    (rows.get(id__gte=1), True),
                    (rows.get(id__in=[1]), True),
                    (rows.get(Q(id=1) | Q(a=1)), True),
                    (rows.exclude(id=2).get(), True),
                    (rows.filter(id=1)[:3].get(), True),
                    (rows.filter(id=1).first(), True),
                    (rows.filter(id=1).order_by("id")[0:1].all(), True),
                ):
                    assert await reading
                    assert ("LIMIT" in seen[-1]) is limited, seen[-1]
        finally:
            db.remove_query_hook(hook)
        # A table may have such keys in spite of the model.
        await execute_raw("DROP TABLE terminal_other")
        await execute_raw("DROP TABLE terminal_row")
        await execute_raw("CREATE TABLE terminal_row (id INTEGER, a INTEGER, name TEXT, conditions TEXT)")
        await execute_raw("INSERT INTO terminal_row VALUES (1, 0, '', ''), (1, 0, '', '')")
        with pytest.raises(MultipleObjectsReturned):
            await rows.get(id=1)


def test_each_that_nobody_awaits_is_told_of() -> None:
    """The memory of those before it is used again, not what the interpreter noted about them."""
    for _ in range(20):
        with pytest.warns(RuntimeWarning, match="never awaited"):
            TerminalRow.objects.get(id=1).send  # noqa: B018
        TerminalRow.objects.get(id=1).close()


@pytest.mark.asyncio
async def test_operations_after_another_hold_nothing_of_it() -> None:
    class Value(str):
        """Can be looked for by a weak reference."""

    rows = TerminalRow.objects
    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database, models=[TerminalRow, TerminalOther])
        await rows.create(a=1, name="x")
        value = Value("x")
        seen = weakref.ref(value)
        assert await rows.filter(name=value).exists()
        del value
        assert seen() is None
        # Some are over early, some fail, some are alive at once.
        for _ in range(5):
            kept = [rows.get(id=1, a__gte=number) for number in range(10)]
            results = [await one for one in kept[:2]]
            assert [row.id for row in results] == [1, 1]
            with pytest.raises(NotFoundError):
                await kept[2]
            for one in kept[3:]:
                one.close()
            with pytest.raises(RuntimeError, match="already awaited"):
                await kept[0]
            del kept
            assert await rows.get_or_none(id=2) is None
            assert (await rows.get(name="x")).a == 1


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("lookups", "found"),
    [
        ({"id": 1}, True),
        ({"id": True}, True),
        ({"id": 1.0}, True),
        ({"id": "1"}, True),
        ({"a__lt": 2**63 - 1}, True),
        ({"a__gt": -(2**63)}, True),
        ({"a": -(2**63)}, False),
        ({"name": "x"}, True),
        ({"name": "\N{SNOWMAN}"}, False),
        ({"weight": 1.5}, True),
        ({"weight": 1}, False),
        ({"weight__lt": float("inf")}, True),
        ({"good": True}, True),
        ({"good": 1}, True),
        ({"good": False}, False),
    ],
)
async def test_values_of_a_terminal_are_those_of_a_query(lookups: dict[str, Any], found: bool) -> None:
    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database, models=[TerminalValues])
        await TerminalValues.objects.create(a=1, name="x", weight=1.5, good=True)
        for _ in range(2):
            assert (
                await TerminalValues.objects.get_or_none(**lookups)
                == await TerminalValues.objects.filter(**lookups).get_or_none()
            )
            assert (await TerminalValues.objects.get_or_none(**lookups) is not None) is found


@pytest.mark.asyncio
async def test_a_value_that_no_column_holds_is_refused_at_the_call() -> None:
    for lookups in ({"a": 2**63}, {"a": -(2**63) - 1}, {"name": "\ud800"}, {"weight": "heavy"}):
        with pytest.raises(Exception) as written:
            TerminalValues.objects.filter(**lookups)
        with pytest.raises(type(written.value)) as direct:
            TerminalValues.objects.get(**lookups)
        assert str(direct.value) == str(written.value)
