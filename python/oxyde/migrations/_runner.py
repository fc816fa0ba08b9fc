"""Operations and SQL of one migration on one connection, counted."""

from __future__ import annotations

import inspect
import math
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from ..db.connection import Connection
from ._guards import check
from ._journal import Journal
from ._live import adapt
from ._live_sqlite import rebuild
from ._notes import add_note
from .render import Step, dialect_named, plan_steps
from .state import SchemaState

__all__ = ["Call", "Runner", "Statement"]

Dict = dict[str, Any]


class Statement:
    """SQL of the file's author."""

    __slots__ = ("affected", "params", "sql")

    def __init__(self, sql: str, params: Sequence[Any] | None) -> None:
        self.sql = sql
        self.params = params
        self.affected = 0


class Call:
    """Code of the file's author."""

    __slots__ = ("func",)

    def __init__(self, func: Callable[[Any], Any]) -> None:
        self.func = func


class Runner:
    """Runs operations in the order given; `state` is the schema as it is by then.

    `conn` is a pinned connection, a transaction or a handle: what it runs on is the caller's.
    """

    def __init__(self, conn: Any, dialect: str, state: SchemaState, name: str = "the migration") -> None:
        self.conn = conn
        self.dialect = dialect_named(dialect)
        self.state = SchemaState.from_snapshot(state.to_snapshot(), strict=state.strict)
        self.name = name
        self.transaction: Any = None  # the migration's own, if it has one
        self.reports: list[str] = []
        self.executed: list[str] = []
        self.done = self.at = 0  # operations looked at, and run
        self.unchecked_from = 0  # those before were checked against the rows
        self.journal: Journal | None = None  # MySQL: which statements are done, for the next run

    # --- what the context asks for -----------------------------------------------------------

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Any]:
        """What queries of historical models run on."""
        if self.transaction is not None:
            yield self.transaction
        elif not isinstance(self.conn, Connection):
            yield self.conn
        elif self.conn._open_transaction is not None:
            yield self.conn._open_transaction
        else:  # a query may be several statements, and each would look for a connection of its own
            async with self.conn.transaction(statement_timeout=math.inf) as tx:
                self.conn.database._watch.discard(tx)
                yield tx

    async def fetch(self, sql: str, params: Sequence[Any] | None = None) -> list[Dict]:
        """Runs a statement of the author; its rows."""
        try:
            rows: list[Dict] = await _target(self.conn)._fetch(sql, params)
        except Exception as error:
            self._explain(error, sql)
            raise
        return rows

    async def statement(self, statement: Statement) -> None:
        """Runs SQL of the author, several statements if there are no parameters."""
        target = _target(self.conn)
        if statement.params is not None or _is_single(statement.sql):
            statement.affected = await self._do(
                statement.sql, lambda: target._execute(statement.sql, statement.params)
            )
        else:
            start = partial(target._script, statement.sql)
            statement.affected = await self._do(statement.sql, start, several=True)

    async def call(self, call: Call, context: Any) -> None:
        """Calls code of the author."""
        name = getattr(call.func, "__name__", repr(call.func))
        try:
            result = call.func(context)
            if inspect.isawaitable(result):
                await result
        except Exception as error:
            self._explain(error, f"ctx.run({name})")
            raise

    async def operations(self, operations: Sequence[Dict]) -> None:
        """Runs operations; those that SQLite does with one table made anew share it."""
        waiting = list(operations)
        start = max(0, self.unchecked_from - self.done)
        await check(self, waiting[start:], self.name)
        self.done += len(waiting)
        while waiting:
            batch = waiting if self.dialect == "sqlite" else waiting[:1]
            adapted = [await self._adapted(op, self.at + n) for n, op in enumerate(batch)]
            step = next(iter(plan_steps(adapted, self.dialect, self.state.to_snapshot())))
            await self._step(step)
            for op in step.operations:
                self.state.apply_operation(op)
            del waiting[: len(step.operations)]
            self.at += len(step.operations)

    async def _adapted(self, op: Dict, number: int) -> Dict:
        """The operation with what only the database knows; a run taken up again keeps what was found."""
        if self.journal is None:
            return await adapt(self, op)
        found = self.journal.adapted.get(str(number))
        if found is None:
            whole = await adapt(self, op)
            found = {key: value for key, value in whole.items() if op.get(key) != value}
            self.journal.adapted[str(number)] = found
        return {**op, **found}

    # --- running -----------------------------------------------------------------------------------

    async def _step(self, step: Step) -> None:
        if step.rebuilds:
            await rebuild(self, step)
            return
        tables = None if self.journal is None else _concerned(step)
        for sql in step.statements:
            await self.run(sql, tables)

    async def run(self, sql: str, tables: Iterable[str] | None = None) -> None:
        """One statement of an operation."""
        target = _target(self.conn)
        # What MySQL commits by itself must be noticed, which is looked for in users' statements.
        start = target._execute if self.dialect in ("mysql", "mariadb") else target._run
        await self._do(sql, lambda: start(sql), tables)

    async def ask(self, sql: str, params: Sequence[Any] | None = None) -> list[Dict]:
        """Rows about the database itself; not counted."""
        rows: list[Dict] = await _target(self.conn)._fetch(sql, params)
        return rows

    async def _do(
        self,
        sql: str,
        start: Callable[[], Any],
        tables: Iterable[str] | None = None,
        *,
        several: bool = False,
    ) -> int:
        if self.journal is not None and await self.journal.is_done(sql, tables, several=several):
            self.executed.append(sql)
            return 0
        try:
            affected: int = await start()
        except Exception as error:
            self._explain(error, sql)
            raise
        self.executed.append(sql)
        return affected

    def _explain(self, error: BaseException, sql: str) -> None:
        done = len(self.executed)
        add_note(
            error,
            f"{self.name}: statement {done + 1} failed: {_short(sql)}\n"
            f"{done} statement{'' if done == 1 else 's'} of this migration had been executed before it.",
        )


def _concerned(step: Step) -> set[str]:
    """The tables that look different after a step; both names of a renamed one."""
    before, after = step.before["tables"], step.after["tables"]
    keys = {key for key in {**before, **after} if before.get(key) != after.get(key)}
    # Enum types, comments and keys show in tables that the operation names.
    named = (op.get(key) for op in step.operations for key in ("table", "name", "old_name", "new_name"))
    texts = {str(name) for name in named if isinstance(name, str)}
    return {key.rpartition(".")[2] for key in keys | texts}


def _target(conn: Any) -> Any:
    """What runs statements: the transaction open on a pinned connection, or the connection."""
    return getattr(conn, "_target", conn)


def _is_single(sql: str) -> bool:
    return ";" not in sql.strip().rstrip(";")


def _short(sql: str) -> str:
    line = " ".join(sql.split())
    return line if len(line) <= 300 else f"{line[:297]}..."
