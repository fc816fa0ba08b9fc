"""Applying migration files to a database, and rolling them back."""

from __future__ import annotations

import math
import warnings
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ..db._current import active_transaction
from ..db.connection import Connection
from ..db.pool import AsyncDatabase
from ..db.registry import get_connection
from ..exceptions import CommitUnknownError
from . import _guards, _journal
from ._lock import behind_pooler, held, held_in_transaction
from ._notes import add_note
from ._plan import (
    Planned,
    as_dict,
    context_for,
    function_of,
    missing_file,
    plan_one,
    queue_one,
    resolve_history,
    state_of,
    stored_checksums,
    to_apply,
    to_roll_back,
)
from ._transaction import migration_transaction, rebuilds_tables
from .context import perform
from .errors import DependencyError, MigrationError
from .files import MigrationFile, find, heads, load_files
from .state import SchemaState
from .tracker import History

__all__ = [
    "apply_migrations",
    "plan_migrations",
    "roll_back_to",
    "rollback_migration",
    "rollback_migrations",
]

Dict = dict[str, Any]
Folder = str | Path


async def apply_migrations(
    migrations_dir: Folder = "migrations",
    db_alias: str = "default",
    target: str | None = None,
    fake: bool = False,
    *,
    lock_timeout: float = 60,
    strict: bool = False,
) -> list[str]:
    """Applies pending files, all or those up to the target; their names.

    `fake` only notes them as applied. `strict` refuses if an applied file was changed since. Safe
    from several processes at once: one applies, the others wait up to `lock_timeout` seconds and
    find nothing to do.
    """
    files = load_files(migrations_dir)
    async with _run(db_alias, files, lock_timeout) as run:
        await run.check_files(strict)
        if not fake:
            await run.settle_squashed()
        return await run.apply(target, fake)


async def plan_migrations(
    migrations_dir: Folder = "migrations", db_alias: str = "default", target: str | None = None
) -> list[dict[str, Any]]:
    """What `migrate TARGET` would do, file by file, without doing it.

    `name`, `direction` ("forward" or "backward"), `operations`, `raw_sql`, `transaction` (whether
    it runs in one), `changed` (whether an applied file was changed since), `before` (the snapshot
    that it meets). An applied target plans the way back to it, "zero" the way back from everything.
    """
    files = load_files(migrations_dir)
    database = await get_connection(db_alias)
    async with database.connection() as conn:
        run = _Run(conn, db_alias, files, 0)
        await run.load()
        changed = run.changed_files()
        planned = run.plan(target)
    return [as_dict(each, each.name in changed) for each in planned]


async def rollback_migration(
    name: str, migrations_dir: Folder = "migrations", db_alias: str = "default", fake: bool = False
) -> None:
    """Rolls one applied file back; refused while another applied file depends on it."""
    files = load_files(migrations_dir)
    async with _run(db_alias, files, 60) as run:
        await run.roll_back([run.applied_file(name)], fake)


async def rollback_migrations(
    steps: int = 1, migrations_dir: Folder = "migrations", db_alias: str = "default", fake: bool = False
) -> list[str]:
    """Rolls the last applied files back, newest first; their names."""
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
        raise ValueError(f"steps is a number of migrations, not {steps!r}")
    files = load_files(migrations_dir)
    async with _run(db_alias, files, 60) as run:
        names = run.applied[::-1][:steps]
        return await run.roll_back([run.applied_file(name) for name in names], fake)


async def roll_back_to(
    target: str | None,
    migrations_dir: Folder = "migrations",
    db_alias: str = "default",
    fake: bool = False,
    *,
    lock_timeout: float = 60,
) -> list[str]:
    """Rolls back every applied file after the target, or all with None; their names, newest first."""
    files = load_files(migrations_dir)
    async with _run(db_alias, files, lock_timeout) as run:
        return await run.roll_back(to_roll_back(run.files, run.applied, target), fake)


@asynccontextmanager
async def _run(db_alias: str, files: Sequence[MigrationFile], lock_timeout: float) -> AsyncIterator[_Run]:
    database = await get_connection(db_alias)
    if active_transaction(database) is not None:
        raise MigrationError("migrations have transactions of their own: call this outside of atomic()")
    async with database.connection() as conn:
        conn._statement_timeout = math.inf
        try:
            async with held(conn, lock_timeout):
                run = _Run(conn, db_alias, files, lock_timeout)
                await run.prepare()
                try:
                    yield run
                finally:
                    if conn.transaction_status == "idle":
                        await _journal.tidy(conn)
        finally:
            conn._statement_timeout = None


class _Run:
    """One run over one connection, the lock being held where a session can hold it."""

    def __init__(
        self, conn: Connection, db_alias: str, files: Sequence[MigrationFile], lock_timeout: float
    ) -> None:
        self.conn = conn
        self.db_alias = db_alias
        self.all_files = list(files)
        self.files = self.all_files
        self.lock_timeout = lock_timeout
        self.history = History(conn)
        self.rows: list[Dict] = []
        self.squashed: list[Any] = []

    @property
    def applied(self) -> list[str]:
        """The names in the history, in the order in which they were applied."""
        return [row["name"] for row in self.rows]

    async def prepare(self) -> None:
        """Makes the history table where there is none, and reads it."""
        if "checksum" not in await self.history.columns():
            async with self._short():
                await self.history.ensure()
        await self.load()
        await _journal.check(self.conn, self.all_files, self.applied)

    @asynccontextmanager
    async def _short(self) -> AsyncIterator[None]:
        """A transaction for the history alone."""
        async with migration_transaction(
            self.conn, transaction=True, lock_timeout=self.lock_timeout, unenforced=False
        ):
            await held_in_transaction(self.conn, self.lock_timeout)
            yield

    async def load(self) -> None:
        """Reads the history."""
        self.rows = await self.history.rows()
        self.files, self.squashed = resolve_history(self.all_files, self.applied)

    # --- what was changed ---------------------------------------------------------------------

    def changed_files(self) -> set[str]:
        """Applied files that do not say any more what was applied."""
        stored = stored_checksums(self.rows)
        return {
            file.name
            for file in self.all_files
            if file.name in stored and file.checksum() != stored[file.name]
        }

    async def check_files(self, strict: bool) -> None:
        """Warns of changed files and of several heads; with `strict` a changed file is an error."""
        changed = sorted(self.changed_files())
        if changed:
            were = "it was" if len(changed) == 1 else "they were"
            words = f"changed since {were} applied: {', '.join(changed)}"
            if strict:
                raise MigrationError(f"{words}. Undo the change, or make a new migration of it")
            warnings.warn(words, UserWarning, stacklevel=4)
        several = heads(self.files)
        if len(several) > 1:
            warnings.warn(
                f"several migrations are the last one: {', '.join(several)}; "
                "`oxyde makemigrations --merge` joins them",
                UserWarning,
                stacklevel=4,
            )

    # --- planning -----------------------------------------------------------------------------------

    def plan(self, target: str | None) -> list[Planned]:
        """The files of `migrate TARGET`, in the order in which they would run."""
        if target is not None and target.lower() == "zero":
            return self._plan_back(to_roll_back(self.files, self.applied, None))
        if target is not None and find(target, self.files).name in self.applied:
            return self._plan_back(to_roll_back(self.files, self.applied, target))
        state = state_of(self.files, self.applied, self._flavor)
        planned = []
        for file in to_apply(self.files, self.applied, target):
            planned.append(plan_one(file, state, self._flavor))
            state = planned[-1].after
        return planned

    def _plan_back(self, files: Iterable[MigrationFile]) -> list[Planned]:
        planned, applied = [], list(self.applied)
        for file in files:
            state = state_of(self.files, applied, self._flavor)
            planned.append(plan_one(file, state, self._flavor, backwards=True))
            applied.remove(file.name)
        return planned

    @property
    def _flavor(self) -> str:
        return self.conn.flavor

    # --- squashed files ---------------------------------------------------------------------------

    async def settle_squashed(self) -> None:
        """Finishes and records squashed files whose replaced ones were applied one by one."""
        for each in self.squashed:
            hidden = set(each.file.replaces)
            old = [file for file in self.all_files if file.name in hidden]
            for file in each.unfinished:
                planned = queue_one(file, state_of(old, self.applied, self._flavor), self.conn)
                await self._perform(planned, partial(self._add, file))
            async with self._short():
                await self._add(each.file)
                for name in each.file.replaces:
                    await self.history.remove(name)
            await self.load()

    # --- applying ---------------------------------------------------------------------------------------

    async def apply(self, target: str | None, fake: bool) -> list[str]:
        """Applies what is pending."""
        names = []
        pending = to_apply(self.files, self.applied, target)
        state: SchemaState | None = None
        for file in pending:
            if file.name in self.applied:
                continue  # another process was faster, on SQLite
            self._require(file)
            if fake:
                async with self._short():
                    await self._add(file)
                await self.load()
            else:
                if state is None:
                    state = state_of(self.files, self.applied, self._flavor)
                planned = queue_one(file, state, self.conn)
                if not await self._perform(planned, partial(self._add, file)):
                    state = None
                    continue
                state = planned.after
            names.append(file.name)
        return names

    def _require(self, file: MigrationFile) -> None:
        missing = [name for name in file.depends_on if name not in self.applied]
        if missing:
            raise DependencyError(f"{file.name} depends on {', '.join(missing)}, not applied here")

    async def _add(self, file: MigrationFile) -> None:
        await self.history.add(file.name, file.checksum())

    # --- rolling back -----------------------------------------------------------------------------------

    def applied_file(self, name: str) -> MigrationFile:
        """The file of an applied migration."""
        if name in self.applied:
            found = [file for file in self.all_files if file.name == name]
            if not found:
                raise missing_file([name])
            return found[0]
        file = find(name, self.files)
        if file.name not in self.applied:
            raise DependencyError(f"{file.name} is not applied: there is nothing to roll back")
        return file

    async def roll_back(self, files: Sequence[MigrationFile], fake: bool) -> list[str]:
        """Rolls these back, in this order."""
        for at, file in enumerate(files):
            earlier = {each.name for each in files[:at]}
            needed = [
                other.name
                for other in self.files
                if file.name in other.depends_on and other.name in self.applied and other.name not in earlier
            ]
            if needed:
                raise DependencyError(
                    f"{file.name} cannot be rolled back: {', '.join(needed)} is applied and depends on it"
                )
            if not fake:
                function_of(file, backwards=True)
        for file in files:
            await self._roll_back_one(file, fake)
        return [file.name for file in files]

    async def _roll_back_one(self, file: MigrationFile, fake: bool) -> None:
        if fake:
            async with self._short():
                await self.history.remove(file.name)
        else:
            state = state_of(self.files, self.applied, self._flavor)
            planned = queue_one(file, state, self.conn, backwards=True)
            await self._perform(planned, partial(self.history.remove, file.name))
        await self.load()

    # --- one file -----------------------------------------------------------------------------------------

    async def _perform(self, planned: Planned, record: Callable[[], Any]) -> bool:
        """Runs a file and notes it; False if another process has done so meanwhile."""
        try:
            return await self._perform_once(planned, record)
        except CommitUnknownError as error:
            add_note(error, await self._which_side(planned))
            raise

    async def _perform_once(self, planned: Planned, record: Callable[[], Any]) -> bool:
        if not planned.transaction and planned.file.atomic:
            warnings.warn(
                f"{planned.name} adds a value to an enum type and runs SQL or code that may use it: "
                "PostgreSQL allows that only outside of a transaction, so it runs without one. "
                "Split the file in two",
                UserWarning,
                stacklevel=5,
            )
        if behind_pooler(self.conn) and not planned.transaction:
            warnings.warn(
                f"{planned.name} runs outside of a transaction, and behind a connection pooler nothing keeps "
                "another process from doing so at the same time",
                UserWarning,
                stacklevel=5,
            )
        async with migration_transaction(
            self.conn,
            transaction=planned.transaction,
            lock_timeout=self.lock_timeout,
            unenforced=rebuilds_tables(planned.operations),
        ) as tx:
            await held_in_transaction(self.conn, self.lock_timeout)
            await self.load()
            if (planned.name in self.applied) != planned.backwards:
                return False
            file, backwards = planned.file, planned.backwards
            context = planned.queued or context_for(file, planned.before, self.conn, backwards)
            assert context.runner is not None
            context.runner.transaction = tx
            # What the author's SQL may change first is looked at when its turn comes.
            context.runner.unchecked_from = planned.first_raw_at
            journal = await _journal.begin(context.runner, planned)
            context.runner.journal = journal
            if journal is None or not journal.resumes:
                checked = planned.operations[: planned.first_raw_at]
                await _guards.check(context.runner, checked, planned.name)
            else:
                context.runner.unchecked_from = len(planned.operations)
            try:
                if planned.queued is None:
                    await perform(context, function_of(file, backwards))
                await context.flush()
            except Exception as error:
                if journal is not None:
                    journal.explain(error, context.runner.executed)
                raise
            await record()
            if journal is not None:
                await journal.end()
        for words in context.runner.reports:
            warnings.warn(f"{planned.name}: {words}", UserWarning, stacklevel=5)
        await self.load()
        return True

    async def _which_side(self, planned: Planned) -> str:
        """What the history says of a migration whose commit was not answered."""
        words = f"the answer to the commit of {planned.name} was lost"
        try:
            # A pool of one has none to give but the broken one, which is pinned here.
            own = AsyncDatabase(self.conn.database.url, name=self.db_alias, auto_register=False)
            async with own, own.connection() as conn:
                names = await History(conn).names()
        except Exception as error:
            return f"{words}, and the history could not be read: {error}. The next run reads it"
        if (planned.name in names) != planned.backwards:
            return f"{words}; the history shows that it was committed"
        return f"{words}; the history shows that it was not committed: run it again"
