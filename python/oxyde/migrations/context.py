"""`MigrationContext`: what `upgrade(ctx)` and `downgrade(ctx)` are given."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, Literal

from ._historical import historical_model
from ._runner import Call, Runner, Statement
from .errors import IrreversibleError, ManualMigrationRequired, MigrationError
from .state import SchemaState

__all__ = ["MigrationContext", "Mode", "collect", "perform", "queue"]

Dict = dict[str, Any]
Mode = Literal["execute", "collect"]

_CHANGES = frozenset(
    {
        "column_type",
        "db_type",
        "nullable",
        "default",
        "unique",
        "max_length",
        "max_digits",
        "decimal_places",
        "comment",
        "type",
        "python_type",
    }
)


class _Queued:
    """What `ctx.execute` returns: may be awaited for the number of rows, or left alone."""

    __slots__ = ("_context", "_statement")

    def __init__(self, context: MigrationContext, statement: Statement) -> None:
        self._context = context
        self._statement = statement

    def __await__(self) -> Generator[Any, None, int]:
        yield from self._context.flush().__await__()
        return self._statement.affected


class MigrationContext:
    """Operations, queued in the order in which they are called.

    They run when the function returns or, in an async one, at the next `await` on the context.
    While collecting, nothing touches a database: operations change `schema_state`, `fetch` gives
    [] and `execute` 0. `lenient` accepts what older files may hold; `backwards` runs the `reverse`
    of each `run`.
    """

    def __init__(
        self,
        mode: Mode = "execute",
        db_alias: str | None = None,
        dialect: str | None = None,
        db_conn: Any = None,
        schema_state: SchemaState | None = None,
        *,
        lenient: bool = False,
        backwards: bool = False,
    ) -> None:
        if mode not in ("execute", "collect"):
            raise ValueError(f"mode is 'execute' or 'collect', not {mode!r}")
        self.mode: Mode = mode
        self.db_alias = db_alias
        self.dialect = "mysql" if dialect == "mariadb" else dialect
        self.flavor = dialect
        self.db_conn = db_conn
        self.schema_state = SchemaState() if schema_state is None else schema_state
        self.has_raw_sql = False
        self.raw_sql: list[str] = []
        self.calls_code = False
        self.first_raw_at: int | None = None  # how many operations come before the first SQL or code
        self._lenient = lenient
        self.backwards = backwards
        self._operations: list[Dict] = []
        self._waiting: list[Dict | Statement | Call] = []
        self._inside: SchemaState | None = None  # the schema while a queued function runs
        self.runner: Runner | None = None
        if mode == "execute" and db_conn is not None:
            self.runner = Runner(db_conn, dialect or db_conn.backend, self.schema_state)

    def get_collected_operations(self) -> list[Dict]:
        """The operations so far, in order."""
        return list(self._operations)

    def _queue(self, type_: str, **values: Any) -> None:
        op = {"type": type_, **values}
        self._operations.append(op)
        self.schema_state.apply_operation(op)
        if self.mode == "execute":
            self._waiting.append(op)

    # --- tables ------------------------------------------------------------------------------

    def create_table(
        self,
        name: str,
        fields: Iterable[Mapping[str, Any]],
        indexes: Iterable[Mapping[str, Any]] | None = None,
        foreign_keys: Iterable[Mapping[str, Any]] | None = None,
        checks: Iterable[Mapping[str, Any]] | None = None,
        *,
        comment: str | None = None,
        schema: str | None = None,
    ) -> None:
        """A new table with its columns, indexes and constraints."""
        table = {
            "name": name,
            "fields": list(fields),
            "indexes": list(indexes or ()),
            "foreign_keys": list(foreign_keys or ()),
            "checks": list(checks or ()),
            "comment": comment,
            "schema": schema,
        }
        self._queue("create_table", table=table)

    def drop_table(self, name: str) -> None:
        """Drops a table with everything in it."""
        self._queue("drop_table", name=name, table=self.schema_state.find_table(name))

    def rename_table(self, old_name: str, new_name: str) -> None:
        """Another name for a table; what refers to it follows."""
        self._queue("rename_table", old_name=old_name, new_name=new_name)

    def set_schema(self, table: str, old: str | None, new: str | None) -> None:
        """Moves a table into another schema."""
        self._queue("set_schema", table=table, old=old, new=new)

    def create_schema(self, name: str) -> None:
        """A schema, if there is none of that name."""
        self._queue("create_schema", name=name)

    def set_comment(self, table: str, comment: str | None, column: str | None = None) -> None:
        """The comment of a table, or of one of its columns."""
        self._queue("set_comment", table=table, comment=comment, column=column)

    # --- columns --------------------------------------------------------------------------------

    def add_column(self, table: str, field: Mapping[str, Any], *, backfill: str | None = None) -> None:
        """A new column; `backfill` is SQL for its value in existing rows."""
        self._queue("add_column", table=table, field=dict(field), backfill=backfill)

    def drop_column(self, table: str, field_name: str) -> None:
        """Drops a column with its values."""
        self._queue("drop_column", table=table, field=field_name)

    def rename_column(self, table: str, old_name: str, new_name: str) -> None:
        """Another name for a column; indexes and foreign keys follow."""
        self._queue("rename_column", table=table, old_name=old_name, new_name=new_name)

    def alter_column(
        self,
        table: str,
        field_name: str,
        *,
        backfill: str | None = None,
        using: str | None = None,
        **changes: Any,
    ) -> None:
        """Changes a column's type, default, nullability or uniqueness.

        `using` is SQL that turns an old value into one of the new type, `backfill` SQL for rows
        that are NULL.
        """
        unknown = sorted(changes.keys() - _CHANGES)
        if unknown and not self._lenient:
            raise TypeError(
                f"alter_column() takes no {', '.join(unknown)}; it takes {', '.join(sorted(_CHANGES))}"
            )
        known = {key: value for key, value in changes.items() if key in _CHANGES}
        self._queue(
            "alter_column", table=table, column=field_name, changes=known, backfill=backfill, using=using
        )

    def alter_primary_key(self, table: str, old_columns: list[str], new_columns: list[str]) -> None:
        """Other columns for the primary key."""
        self._queue("alter_primary_key", table=table, old_columns=old_columns, new_columns=new_columns)

    # --- indexes and constraints --------------------------------------------------------------------

    def create_index(self, table: str, index: Mapping[str, Any], *, concurrently: bool = False) -> None:
        """An index, or a unique constraint; `concurrently` needs `atomic = False`."""
        op: Dict = {"table": table, "index": dict(index)}
        self._queue("create_index", **op, **({"concurrently": True} if concurrently else {}))

    def drop_index(self, table: str, index_name: str, *, concurrently: bool = False) -> None:
        """Drops an index or a unique constraint."""
        op: Dict = {"table": table, "name": index_name}
        self._queue("drop_index", **op, **({"concurrently": True} if concurrently else {}))

    def rename_index(self, table: str, old_name: str, new_name: str) -> None:
        """Another name for an index."""
        self._queue("rename_index", table=table, old_name=old_name, new_name=new_name)

    def add_foreign_key(  # noqa: PLR0917  # as files call it
        self,
        table: str,
        name: str,
        columns: list[str],
        ref_table: str,
        ref_columns: list[str],
        on_delete: str = "NO ACTION",
        on_update: str = "NO ACTION",
    ) -> None:
        """A foreign key from columns of one table to those of another."""
        fk = {
            "name": name,
            "columns": columns,
            "ref_table": ref_table,
            "ref_columns": ref_columns,
            "on_delete": on_delete,
            "on_update": on_update,
        }
        self._queue("add_foreign_key", table=table, fk=fk)

    def drop_foreign_key(self, table: str, name: str) -> None:
        """Drops a foreign key."""
        self._queue("drop_foreign_key", table=table, name=name)

    def add_check(self, table: str, name: str, expression: str) -> None:
        """A condition that every row must meet."""
        self._queue("add_check", table=table, check={"name": name, "expression": expression})

    def drop_check(self, table: str, name: str) -> None:
        """Drops a check."""
        self._queue("drop_check", table=table, name=name)

    # --- enum types --------------------------------------------------------------------------------------

    def create_enum_type(self, name: str, values: list[str]) -> None:
        """A native enum type, where the database has such."""
        self._queue("create_enum_type", name=name, values=list(values))

    def drop_enum_type(self, name: str) -> None:
        """Drops an enum type that no column uses any more."""
        self._queue("drop_enum_type", name=name)

    def add_enum_value(
        self,
        name: str,
        value: str,
        fields: list[Mapping[str, Any]] | None = None,
        *,
        before: str | None = None,
    ) -> None:
        """A further value, at the end or before another one."""
        self._queue("add_enum_value", name=name, value=value, fields=fields, before=before)

    def rename_enum_value(
        self, name: str, old: str, new: str, fields: list[Mapping[str, Any]] | None = None
    ) -> None:
        """Another spelling of a value; rows that hold it follow."""
        self._queue("rename_enum_value", name=name, old=old, new=new, fields=fields)

    def replace_enum_type(
        self,
        name: str,
        old_values: list[str],
        new_values: list[str],
        fields: list[Mapping[str, Any]],
        mapping: Mapping[str, str] | None = None,
    ) -> None:
        """Other values for a type; `mapping` says what rows with a removed value get."""
        self._queue(
            "replace_enum_type",
            name=name,
            old_values=list(old_values),
            new_values=list(new_values),
            fields=fields,
            mapping=mapping,
        )

    def alter_enum_type(self, name: str, old_values: list[str], new_values: list[str]) -> None:
        """Notes that the values changed; the database is the author's business."""
        self._queue("alter_enum_type", name=name, old_values=list(old_values), new_values=list(new_values))

    def require_manual(self, message: str) -> None:
        """Stops the migration when it is executed: something has to be done by hand first."""
        if self.mode == "execute":
            raise ManualMigrationRequired(message)

    # --- SQL and code ----------------------------------------------------------------------------------

    def _note_raw(self, *, code: bool = False) -> None:
        self.has_raw_sql = True
        self.calls_code = self.calls_code or code
        if self.first_raw_at is None:
            self.first_raw_at = len(self._operations)

    def execute(self, sql: str, params: list[Any] | None = None) -> _Queued:
        """Queues a statement; without `params` the text may hold several.

        Awaiting the result runs what is queued and gives the number of affected rows.
        """
        self._note_raw()
        self.raw_sql.append(sql)
        statement = Statement(sql, params)
        if self.mode == "execute":
            self._waiting.append(statement)
        return _Queued(self, statement)

    async def fetch(self, sql: str, params: list[Any] | None = None) -> list[Dict]:
        """Runs what is queued, then this; the rows as dicts. [] while collecting."""
        self._note_raw(code=True)
        if self.mode == "collect":
            return []
        await self.flush()
        return await self._running().fetch(sql, params)

    def run(self, func: Callable[[Any], Any], reverse: Callable[[Any], Any] | None = None) -> None:
        """Queues a call of `func(ctx)`, made only when executing; on the way back of `reverse(ctx)`."""
        self._note_raw(code=True)
        if self.mode == "collect":
            return
        if self.backwards and reverse is None:
            name = getattr(func, "__name__", repr(func))
            raise IrreversibleError(f"ctx.run({name}) says no reverse=: give it a function that undoes it")
        chosen = reverse if self.backwards and reverse is not None else func
        self._waiting.append(Call(chosen))

    def model(self, table: str) -> type[Any]:
        """The table as a model with the columns of this moment, for queries in this migration.

        It has no hooks and is not registered; foreign keys are fields with the ids.
        """
        self._note_raw(code=True)
        state = self.schema_state if self._inside is None else self._inside
        found = state.find_table(table)
        if found is None:
            raise MigrationError(
                f"ctx.model({table!r}): there is no such table at this point of the migrations"
            )
        if self.mode == "execute":
            self._running()
        return historical_model(found, self)

    # --- running ---------------------------------------------------------------------------------------

    def _running(self) -> Runner:
        if self.runner is None:
            raise MigrationError("the context has no connection: give MigrationContext(db_conn=...)")
        return self.runner

    async def flush(self) -> None:
        """Runs what is queued."""
        while self._waiting:
            first = self._waiting[0]
            if isinstance(first, Call):
                del self._waiting[0]
                await self._call(first)
            elif isinstance(first, Statement):
                del self._waiting[0]
                await self._running().statement(first)
            else:
                n = 1
                while n < len(self._waiting) and isinstance(self._waiting[n], dict):
                    n += 1
                operations = [op for op in self._waiting[:n] if isinstance(op, dict)]
                del self._waiting[:n]
                await self._running().operations(operations)

    async def _call(self, call: Call) -> None:
        """Runs a function; what it queues runs before whatever was queued behind it."""
        rest, self._waiting = self._waiting, []
        runner = self._running()
        self._inside = runner.state
        try:
            await runner.call(call, self)
            await self.flush()
        finally:
            self._inside = None
            self._waiting = rest


def queue(context: MigrationContext, function: Callable[[Any], Any], name: str) -> bool:
    """Calls a plain `upgrade` or `downgrade`, which queues all that it does; False if it is an async one."""
    if inspect.iscoroutinefunction(function):
        return False
    try:
        result = function(context)
    except MigrationError:
        raise
    except Exception as error:
        raise MigrationError(
            f"{name} failed before anything of it ran: {type(error).__name__}: {error}"
        ) from error
    if inspect.iscoroutine(result):
        result.close()
        return False
    return True


async def perform(context: MigrationContext, function: Callable[[Any], Any]) -> None:
    """Calls an async `upgrade` or `downgrade` of a file; what it queued last is left to be run."""
    result = function(context)
    if inspect.isawaitable(result):
        await result


def collect(context: MigrationContext, function: Callable[[Any], Any], name: str) -> None:
    """Calls `upgrade` or `downgrade` of a file for its operations only."""
    try:
        result = function(context)
        if inspect.iscoroutine(result):
            _drive(result)
    except MigrationError:
        raise
    except Exception as error:
        raise MigrationError(
            f"{name} failed while its operations were collected, which happens without a database: "
            f"{type(error).__name__}: {error}. Code that needs data belongs into ctx.run(...)"
        ) from error


def _drive(coroutine: Any) -> None:
    """Runs a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("it waits for something, and while collecting nothing will come")
