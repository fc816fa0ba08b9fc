"""`oxyde migrate`: applies migration files, or rolls them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Optional

import typer

from ._session import Alias, NoInput, command, note, progress, say, session_of, usage_error, warn

Plan = Sequence[Mapping[str, Any]]


@command
def migrate(
    context: typer.Context,
    target: Annotated[
        Optional[str], typer.Argument(help="Migration to go to, forwards or backwards; zero for none.")
    ] = None,
    named_target: Annotated[
        Optional[str], typer.Option("--target", metavar="NAME", help="The same as the argument.")
    ] = None,
    fake: Annotated[bool, typer.Option(help="Only note it in the history, run no SQL.")] = False,
    plan: Annotated[bool, typer.Option(help="Show what would be done, do nothing.")] = False,
    db_alias: Alias = "default",
    lock_timeout: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="Seconds to wait for another process that migrates."),
    ] = 60,
    strict: Annotated[bool, typer.Option(help="Refuse if an applied file was changed.")] = False,
    no_input: NoInput = False,
) -> None:
    """Apply migrations, or roll back to an earlier one."""
    from ._database import on_database

    if target is not None and named_target is not None and target != named_target:
        usage_error("TARGET and --target name two different migrations")
    wanted = target if target is not None else named_target
    config = session_of(context).load()
    run = _Run(config.migrations_dir, db_alias, wanted, fake, lock_timeout, strict)
    if plan:
        on_database(config, db_alias, run.show)
    else:
        on_database(config, db_alias, run.perform)


class _Run:
    """One call of the command."""

    def __init__(
        self, folder: str, alias: str, target: str | None, fake: bool, lock_timeout: float, strict: bool
    ) -> None:
        self.folder = folder
        self.alias = alias
        self.target = target
        self.fake = fake
        self.lock_timeout = lock_timeout
        self.strict = strict

    async def plan(self) -> Plan:
        """The files, in the order in which they would run."""
        from ..migrations.executor import plan_migrations

        return await plan_migrations(self.folder, self.alias, self.target)

    # --- showing ---------------------------------------------------------------------------

    async def show(self) -> None:
        """Every file with its operations; nothing is done."""
        from ._history import read_history

        for entry in await read_history(self.folder, self.alias):
            if entry.changed:
                warn(f"{entry.name} was changed since it was applied")
        planned = await self.plan()
        if not planned:
            say(self._nothing())
        for each in planned:
            _show(each)

    def _nothing(self) -> str:
        return "No pending migrations" if self.target is None else "Nothing to do"

    # --- doing -----------------------------------------------------------------------------------

    async def perform(self) -> None:
        """Applies or rolls back, and says what was done."""
        from ..migrations.tracker import get_applied_migrations

        planned = await self.plan()
        backwards = self._backwards(planned)
        for each in planned:
            note(f"  {each['name']}{' (backwards)' if backwards else ''}")
        before = await get_applied_migrations(self.alias)
        try:
            names = await (self._roll_back() if backwards else self._apply())
        except BaseException:
            await self._say_done(before)
            raise
        for name in names:
            say(f"{self._word(backwards)} {name}", fg=typer.colors.GREEN)
        if not names:
            say(self._nothing())

    def _backwards(self, planned: Plan) -> bool:
        if planned:
            return bool(planned[0]["direction"] == "backward")
        return self.target is not None and self.target.lower() == "zero"

    def _word(self, backwards: bool) -> str:
        word = "Rolled back" if backwards else "Applied"
        return f"{word} (history only)" if self.fake else word

    async def _apply(self) -> list[str]:
        from ..migrations.executor import apply_migrations

        with progress("Applying migrations"):
            return await apply_migrations(
                self.folder,
                self.alias,
                self.target,
                self.fake,
                lock_timeout=self.lock_timeout,
                strict=self.strict,
            )

    async def _roll_back(self) -> list[str]:
        from ..migrations.executor import roll_back_to

        goal = None if str(self.target).lower() == "zero" else self.target
        with progress("Rolling back"):
            return await roll_back_to(
                goal, self.folder, self.alias, self.fake, lock_timeout=self.lock_timeout
            )

    async def _say_done(self, before: Sequence[str]) -> None:
        """What was finished before something failed."""
        from ..exceptions import OxydeError
        from ..migrations.tracker import get_applied_migrations

        try:
            after = await get_applied_migrations(self.alias)
        except OxydeError as error:
            note(f"The history could not be read after the failure: {error}")
            return
        for name in after:
            if name not in before:
                say(f"Applied {name}", fg=typer.colors.GREEN)
        for name in before:
            if name not in after:
                say(f"Rolled back {name}", fg=typer.colors.GREEN)


def _show(planned: Mapping[str, Any]) -> None:
    from ..migrations._words import describe, loss_of
    from ..migrations.state import SchemaState

    marks = [planned["direction"]]
    marks.append("in a transaction" if planned["transaction"] else "outside of a transaction")
    if planned["changed"]:
        marks.append("changed since it was applied")
    say(f"{planned['name']} ({', '.join(marks)})", bold=True)
    state = SchemaState.from_snapshot(planned["before"])
    for op in planned["operations"]:
        before = state.to_snapshot()
        lost = loss_of(op, before)
        if lost:
            say(f"! {describe(op, before)}: {lost}", fg=typer.colors.RED)
        else:
            say(f"  {describe(op, before)}")
        state.apply_operation(op)
    for sql in planned["raw_sql"]:
        say(f"  SQL: {' '.join(sql.split())}")
    if not planned["operations"] and not planned["raw_sql"]:
        say("  no operations")
