"""The engine: what the C extension offers to the package. Private to oxyde.

Integer constants mirror the X lists of the C headers: K_* (kinds of column),
OP_*, UN_*, MATCH_*, FN_*, AGG_*, PART_*, X_* (expression nodes), CAT_*
(lookup categories), LOAD_* (loading rules), SINK_*, MODE_*, SET_*, DO_*
(operations), FRAME_* (of windows), LOCK_*, REL_* (kinds of relations).
"""

from asyncio import AbstractEventLoop
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from contextvars import Context
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")

def __getattr__(name: str) -> int: ...  # the constants

KIND_NAMES: dict[str, int]
SQLITE_VERSION: int  # of the library in use, as 3045001
FREES_DIRECTLY: int  # 1: instances of rows are freed without CPython's walk over the bases
LEAVES: int  # 1: the collector does not see instances that lead nowhere
VISITS_DIRECTLY: int  # 1: the collector visits them without it, too
TEMPLATE_PLACES: int  # 1: rows are filled in place, by the layout of this interpreter's dicts
DECIMALS_DIRECT: int  # 1: Decimals are made without their constructor, by the layout of this interpreter's
FN_NAMES: dict[str, int]
AGG_NAMES: dict[str, int]
PART_NAMES: dict[str, int]
# category number -> names of the lookups it allows, in the contract's order
LOOKUPS: dict[int, tuple[str, ...]]

def bind_exceptions(module: Any) -> None:
    """Hands over `oxyde.exceptions`; called once, when the package is imported."""

def read_json(texts: Sequence[bytes], /) -> list[tuple[Any] | None]:
    """Documents as of one column; None for what the reader leaves to others. For tests."""

def bind_package(
    *,
    registry: dict[str, Database],
    plan_of: Callable[[type], Plan],
    unknown_name: Callable[[type, str, str], BaseException],
    without_returning: Callable[..., Coroutine[Any, Any, Any]] | None = None,
    read_and_load: Callable[..., Coroutine[Any, Any, Any]] | None = None,
) -> None:
    """Hands over what the engine calls back.

    read_and_load(query, sink, limit, (using, client, write)) does what an operation that gives
    models cannot do alone: its query has prefetches.

    without_returning(**statement) does what a statement cannot where a server has no RETURNING.

    unknown_name(model, name, what) returns the exception to raise; what is
    "field", "path", "lookup" or "alias".
    """

class Expr:
    kind: int
    op: int
    args: tuple[Any, ...]
    data: Any
    def __new__(cls, kind: int, op: int = 0, args: tuple[Any, ...] = (), data: Any = None) -> Any: ...

class InstanceState:
    """What an instance knows of its row; shared and immutable until an instance differs.

    `saved`: stands for a stored row. `loaded`: frozenset of loaded field names, or None for
    all. `relations`: frozenset of loaded relation names. `dirty`: frozenset of fields assigned
    since construction or loading.
    """

    saved: bool
    loaded: frozenset[str] | None
    relations: frozenset[str]
    dirty: frozenset[str]
    def __new__(
        cls,
        saved: bool = False,
        loaded: frozenset[str] | None = None,
        relations: frozenset[str] = ...,
        dirty: frozenset[str] = ...,
    ) -> InstanceState: ...

class Plan:
    """Immutable. `fields` are FieldSpec tuples (oxyde.models._plan), in column order."""

    def __new__(
        cls,
        model: type,
        *,
        table: str,
        schema: str,
        fields: Sequence[Any],
        pk: tuple[str, ...],
        absent: Sequence[tuple[str, Any, Callable[[], Any] | None]],
        attributes: tuple[str, ...],  # all keys of __dict__ in field order
        whole_model: bool,
        validate_row: Callable[[dict[str, Any]], Any],
        extra: dict[str, Any] | None,
        order: tuple[Expr, ...],
        # sets private attributes, or these and the names of those that are copied (proof)
        init_private: Callable[[Any, Any], None] | tuple[dict[str, Any], tuple[str, ...]] | None = None,
        partial: Callable[..., Any] | None = None,  # rules for rows without all fields (proof)
        relations: tuple[str, ...] = (),  # names of the relations
        relation: Callable[[str], Any] | None = None,  # name -> RelationSpec, asked on first use
        without_id: tuple[tuple[str, tuple[str, ...]], ...] = (),  # relations set to None where an id is None
    ) -> Plan: ...
    model: type
    table: str
    names: tuple[str, ...]
    def check(self, expr: Expr) -> None:
        """Resolves every name of a condition; raises as the contract says."""
    def load(self, row: Mapping[str, Any]) -> Any:
        """An instance from decoded values by field name, through the same row program (tests)."""

ZONE_ANY: int
ZONE_NONE: int
ZONE_UTC: int

class Construction:
    """How calling a model class makes an instance. `parts`: Part tuples (oxyde.models._proof_construct)."""

    def __new__(
        cls,
        model: type,
        validator: Any,
        parts: tuple[Any, ...] | None,  # None: always by the validator
        *,
        allow_extra: bool = False,
        ignore_extra: bool = False,
        private: tuple[dict[str, Any], tuple[str, ...]] | None = None,
        post_init: Any = None,
        table: bool = False,
    ) -> Construction: ...
    whole: bool

class QueryState(Generic[T]):
    """State of a query. `_with` clones; `_where` checks and appends conditions."""

    def __new__(cls, model: type, **state: Any) -> Any: ...
    def _with(self, **changes: Any) -> Any: ...
    def _where(
        self, conditions: tuple[Any, ...], lookups: Mapping[str, Any], negated: bool = False
    ) -> Any: ...
    def _having(self, conditions: tuple[Any, ...], lookups: Mapping[str, Any]) -> Any:
        """Appends conditions on groups; names are resolved when the query is compiled."""
    def _combine(self, op: int, others: tuple[Any, ...]) -> Any:
        """SET_* of this query and others; builders after it apply to the combined rows."""
    def _slice(self, start: int, stop: int | None) -> Any: ...
    def _sql(self, dialect: str) -> tuple[str, list[Any]]: ...
    def _compile_write(
        self, what: Literal["update", "delete"], arg: Any, returning: Any, dialect: str
    ) -> tuple[str, list[Any]]: ...
    _ordered: bool  # has an order of its own or from Meta.ordering
    _by_window: bool  # conditions are about windows
    _model: type
    _where_: tuple[Expr, ...] | None
    _order: tuple[Expr, ...] | None
    _fields: tuple[Any, ...] | None
    _exprs: dict[str, Expr] | None
    _deferred: tuple[str, ...] | None
    _annotations: dict[str, Expr] | None
    _prefetches: tuple[Any, ...] | None
    _group_by: tuple[Any, ...] | None
    _having_: tuple[Expr, ...] | None
    _distinct: bool
    _distinct_on: tuple[Any, ...] | None
    _empty: bool
    _link: Any  # (owner model, relation, keys) or None: see Links
    _user: Any  # state of the package's own
    _joins: tuple[str, ...] | None
    _sets: tuple[tuple[int, Any], ...] | None
    _lock: tuple[Any, ...] | None
    _mode: int
    _limit: int
    _offset: int
    _sliced: bool
    _reversed: bool

class Links:
    """Related rows by the keys of those who have them, filled by SINK_LINKED.

    A query with `link=(owner model, relation, keys)` reads the rows. fields: of the parents, equal
    to the near columns of the rows. fold(key): equal for keys that the server may take for equal,
    None where it is as exact as Python.
    """

    keys: list[Any]
    rows: list[Any]
    def __new__(
        cls, parents: Sequence[Any], fields: tuple[str, ...], fold: Callable[[Any], Any] | None
    ) -> Links: ...
    def in_doubt(self) -> list[Any]:
        """Parents without rows whose key folds like another that has some; ask for them alone."""
    def attach(self, name: str, relation: str | None, many: bool, /) -> None:
        """Sets the attribute of every parent; `relation` counts as loaded from then on."""

def related_rows(instances: Sequence[Any], name: str, /) -> list[Any]:
    """What the instances hold under this name, each object once."""

class InsertState:
    """Rows to insert.

    rows: instances (validated). fields: names of the columns to write, or None for the
    payload rule of create(): set or non-None values, the rest left to the database; all rows
    then must agree on the set, which `groups` arranges. conflict: None, "nothing", "update".
    targets: field names; sets: dict name -> Expr or None for the new value.
    refill: rows come back and refill the instances. keep: the instances keep what they hold,
    and only columns that the database fills come back; not with conflicts.
    """

    model: type
    rows: tuple[Any, ...]
    fields: tuple[str, ...] | None
    refill: bool
    keep: bool
    targets: tuple[str, ...]
    sets: dict[str, Any] | None
    def without_rows(self, fields: Sequence[str], /) -> InsertState:
        """The same rows, of which these fields are written and none come back."""

    def __new__(
        cls,
        model: type,
        rows: Sequence[Any],
        *,
        fields: tuple[str, ...] | None = None,
        conflict: Literal["nothing", "update"] | None = None,
        targets: tuple[str, ...] = (),
        sets: Mapping[str, Any] | None = None,
        refill: bool = True,
        keep: bool = False,
    ) -> InsertState: ...
    @classmethod
    def groups(cls, model: type, rows: Sequence[Any], limit: int) -> list[tuple[tuple[str, ...], list[Any]]]:
        """Row numbers by the set of columns they write, at most `limit` rows each."""

class Operation(Coroutine[Any, Any, T]):
    """One statement, not started until awaited; a coroutine to asyncio."""

    def send(self, value: Any, /) -> Any: ...
    def throw(self, *exc: Any) -> Any: ...
    def close(self) -> None: ...
    def _at_once(self) -> bool:
        """Whether it is over without waiting for anything; if not, it has begun and is to be awaited."""
    def _expire(self) -> None:
        """The time for closing the database is over."""
    @property
    def cr_running(self) -> bool: ...
    def __await__(self) -> Generator[Any, Any, T]: ...
    # What asyncio.gather() asks of a future.
    def get_loop(self) -> AbstractEventLoop: ...
    def done(self) -> bool: ...
    def cancelled(self) -> bool: ...
    def result(self) -> T: ...
    def exception(self) -> BaseException | None: ...
    def cancel(self, msg: Any = None) -> bool: ...
    def add_done_callback(
        self, callback: Callable[[Operation[T]], object], /, *, context: Context | None = None
    ) -> None: ...
    def remove_done_callback(self, callback: Callable[[Operation[T]], object], /) -> int: ...
    @property
    def _asyncio_future_blocking(self) -> bool | None: ...
    @property
    def _cancel_message(self) -> Any: ...
    def _make_cancelled_error(self) -> BaseException: ...
    def _task_over(self, task: Any, /) -> None: ...

class Stream(AsyncIterator[T]):
    """Rows one by one. Dropping it, or `aclose()`, ends the statement and gives the connection back."""

    def __aiter__(self) -> Stream[T]: ...
    def __anext__(self) -> Awaitable[T]: ...
    def aclose(self) -> Awaitable[None]: ...

def operation(
    what: int,  # DO_SELECT, DO_COUNT, DO_EXISTS, DO_AGGREGATE, DO_UPDATE, DO_DELETE, DO_INSERT
    subject: QueryState[Any] | InsertState,
    sink: int,
    *,
    arg: Any = None,
    returning: Any = None,
    limit: int = -1,
    using: str | None = None,
    client: Any = None,
    write: bool = False,
    into: Any = None,  # what SINK_REFILL refills where arg means something else
    chunk: int = 0,  # rows come in lists of so many; awaited once for each, until it is over
) -> Operation[Any]: ...
def terminal(
    function: Any,
    /,
    *,
    what: int = ...,
    sink: int = ...,
    limit: int = -1,
    builds: bool = False,
    helper: Callable[..., Any] = ...,
) -> Any:
    """The function, a method of Query, as one whose plain calls (lookups and nothing else) need no frame.

    They do `operation(what, self._where((), lookups), sink, limit=limit)`, or with `builds` only
    `self._where((), lookups)`: what the function has to do for them, too.

    With `helper` the keywords are values, of an INSERT (`prepare_for_write`) or UPDATE (`validate_field`).
    With DO_DELETE and SINK_DELETED it is `Model.delete`, whose plain call is given nothing.
    """

def use_hooks(pre_save: Any, post_save: Any, pre_delete: Any, post_delete: Any, /) -> None:
    """The hooks of the base class, which do nothing and need not be called."""

def use_plain_expressions(*classes: type[Expr]) -> None:
    """Classes of the package without a state of their own: instances that hold only constants are not
    tracked by the collector."""

def flight(operations: Iterable[Operation[Any]], /) -> Operation[None]:
    """Reads with SINK_LINKED, or inserts, of one open transaction, sent before the first is answered;
    only for drivers that take several."""

def stream(
    operation: Operation[list[T]], load: Callable[[list[T]], Coroutine[Any, Any, object]] | None = None, /
) -> Stream[T]:
    """The rows of an operation with `chunk=`, one by one; `load(rows)` is awaited for each chunk first."""

def raw_operation(
    sql: str,
    params: Sequence[Any] | None,
    *,
    using: str | None = None,
    client: Any = None,
    script: bool = False,
    sink: int = ...,  # SINK_LIST of dicts, or SINK_AFFECTED
    model: Any = None,  # rows are instances of this table's class; columns are named like columns or fields
) -> Operation[Any]: ...
def set_observer(observer: Callable[..., None] | None, /) -> None:
    """Calls observer(**event) after each statement, on the loop's thread; None: nobody.

    Keys: database, session, alias, backend, table, sql, params, rows, started, duration, error.
    """

def set_router(router: Callable[[type | None, bool], str | None] | None, /) -> None:
    """Asks router(model, write) for an alias where neither using nor client is given; None: nobody."""

class Database:
    """A handle: settings, pool, connections. Base of oxyde.AsyncDatabase."""

    def __init__(self) -> None: ...
    def _configure(
        self,
        *,
        backend: str,  # "sqlite", "postgres", "mysql"
        settings: Mapping[str, str],  # of the driver, see driver.h
        pool: Mapping[str, float | int | None],  # max, min, acquire_timeout, idle_timeout, ... in seconds
        alias: str,
        gate: str | None,  # identity of the file, for the shared writer
        init: Callable[[Session], Awaitable[None]] | None = None,  # runs for each new connection
    ) -> None: ...
    def _open(self) -> Awaitable[None]: ...
    def _close(self, timeout: float) -> Awaitable[None]: ...
    def _acquire(
        self, role: Literal["any", "reader", "writer"], timeout: float | None
    ) -> Awaitable[Session]: ...
    def _stats(self) -> dict[str, Any]: ...
    def _ping(self) -> Awaitable[float]: ...
    def _bind_task(self, task: Any, session: Session | None) -> None:
        """The open transaction of a task, used by operations that name no client."""
    def _session_of(self, task: Any) -> Session | None: ...
    _is_open: bool
    _server: dict[str, Any] | None  # flavor, version (tuple), pooler; None until it is known
    _replicas: tuple[Database, ...]  # where plain reads outside transactions may go
    _ailing_until: float  # monotonic time until which a replica is left out; 0.0: healthy
    _alias: str
    _backend: str

class Session:
    """A connection held by one owner. Base of oxyde.db.transaction.AsyncTransaction."""

    def __init__(self) -> None: ...
    def _adopt(self, other: Session) -> None:
        """Takes over the connection that `Database._acquire` returned."""
    def _run(self, sql: str, *, write: bool = True) -> Operation[int]: ...
    def _begin_with(self, statements: tuple[str, ...], movable: bool = False, /) -> None:
        """Sends these in front of the next statement, in the same flight where that can be; movable: on
        another connection, if this one turns out to be closed before."""

    def _drop_pending(self) -> None: ...
    def _commit(self) -> Operation[int]: ...
    def _fetch(self, sql: str, params: Sequence[Any] | None = None, /) -> Operation[list[dict[str, Any]]]: ...
    def _execute(self, sql: str, params: Sequence[Any] | None = None, /) -> Operation[int]: ...
    def _script(self, sql: str, /) -> Operation[int]: ...
    def _parameter(self, name: str, /) -> str | None: ...
    def _invalidate(self) -> None: ...
    def _release(self, *, reuse: bool = True) -> None: ...
    def _block(self, error: BaseException | None) -> None:
        """Further operations raise this (finished, timed out, aborted); None unblocks."""
    _held: bool
    _pending: bool  # what _begin_with() was given has not been sent
    _info: dict[str, Any]  # pid, fd, flavor, version, pooler, transaction_status
    _idle: float  # seconds since the last statement ended; 0 while one runs
    _status: Literal["idle", "active", "intrans", "inerror", "broken", "released"]
    _database: Database
    _statement_timeout: float | None  # in place of the pool's setting
    _deadline: float | None  # loop time; statements stop at it

def ddl_create(tables: Sequence[Mapping[str, Any]], dialect: str, if_not_exists: bool) -> list[str]: ...
def ddl_defaults(table: Mapping[str, Any], dialect: str) -> list[str | None]: ...
def ddl_drop(tables: Sequence[Mapping[str, Any]], dialect: str, if_exists: bool) -> list[str]: ...
def schema_diff(
    old: tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]], Sequence[int]],
    new: tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]], Sequence[int]],
    renames: Sequence[tuple[int, str, str, str]],
) -> list[tuple[str, int | None, int | None, int | None, int | None, str, str, tuple[int, ...]]]: ...
def ddl_change(
    before: tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]], Sequence[int]],
    after: tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]], Sequence[int]],
    change: tuple[str, int | None, int | None, int | None, int | None, str, str],
    extra: tuple[str, str, str, bool, Sequence[tuple[int, str, str, str]]],
    dialect: str,
) -> list[str] | None: ...
def ddl_rebuild(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    sources: Sequence[tuple[int | None, str, bool]],
) -> list[str]: ...
def default_same(kind: int, a: str, b: str) -> bool: ...
def allow_direct_init(
    base: type[Any],
    warn: Callable[[], None],
    construction_of: Callable[[Any], Construction],
    given: type[frozenset[str]],
    /,
) -> None: ...
def call_directly(metaclass: type[Any], /) -> None: ...
def use_direct_init(cls: type[Any], /) -> None: ...
def frees_directly(cls: type[Any], /) -> bool: ...
def visits_directly(cls: type[Any], /) -> bool: ...
def look_directly(metaclass: type[Any], /) -> None: ...
def lazy_fields_set(member: Any, /) -> Any:
    """The descriptor that makes `__pydantic_fields_set__` of loaded instances on first use."""

def watch_dict(base: type[Any], /) -> None: ...
def write_attribute(instance: Any, name: str, value: Any) -> None:
    """Sets a field past frozen and without validation, keeping the fields set in step."""

def are_all(model: type[Any], items: list[Any], /) -> bool: ...
def unsettled(model: Any, instances: Sequence[Any], relations: tuple[str, ...], strict: bool, /) -> list[Any]:
    """The instances with fields assigned since they were made or loaded, or with a value in one of
    `relations`; `strict` counts None and an empty list as a value.
    """

def cache_info() -> dict[str, int]:
    """Counters of the statement cache: hits, misses, size, evictions."""
