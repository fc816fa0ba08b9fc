"""How the server itself would print what a model says: asked with a temporary table nobody else sees.

Comparing words settles nearly every pair of definitions; what is left is asked here, and undone. A
server that refuses (a standby, missing rights) gives no answer, which the caller has to live with.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import NamedTuple

from ...db.connection import Connection
from ...db.transaction import AsyncTransaction
from ...exceptions import OxydeError
from ._reading import Session
from .mysql import printed_checks, printed_default, printed_type

__all__ = ["Answer", "Question", "ask"]

_TABLE = "oxyde_print"
_PG_QUOTE, _MY_QUOTE = '"', "`"


class Question(NamedTuple):
    """A column's definition (`column` is its name), or an expression over a table (`column` is "")."""

    table: str
    column: str
    text: str


class Answer(NamedTuple):
    """The type and default of a column, or the expression, as the server prints them."""

    type: str
    text: str | None


async def ask(session: Session, backend: str, questions: Iterable[Question]) -> dict[Question, Answer]:
    """The answers that the server has."""
    wanted = sorted(set(questions))
    if not wanted or backend == "sqlite":
        return {}
    if backend == "postgres" and isinstance(session, (Connection, AsyncTransaction)):
        return await _ask_postgres(session, wanted)
    if isinstance(session, Connection):  # changing even a temporary table commits on MySQL
        return await _ask_mysql(session, wanted)
    return {}


# --- PostgreSQL ------------------------------------------------------------------------------------------


class _Undo(Exception):
    """Ends the block, and with it everything that was made there."""


@asynccontextmanager
async def _undone(session: Connection | AsyncTransaction) -> AsyncIterator[AsyncTransaction]:
    try:
        if isinstance(session, Connection):
            async with session.transaction() as own:
                yield own
                raise _Undo
        else:
            async with session.savepoint():
                yield session
                raise _Undo
    except _Undo:
        pass


async def _ask_postgres(
    session: Connection | AsyncTransaction, questions: list[Question]
) -> dict[Question, Answer]:
    answers: dict[Question, Answer] = {}
    for question in questions:
        try:
            async with _undone(session) as tx:
                answers[question] = await _postgres_answer(tx, question)
        except OxydeError:
            continue  # no answer: the server cannot make it, or does not let us
    return answers


async def _postgres_answer(tx: AsyncTransaction, question: Question) -> Answer:
    if question.column:
        await tx._run(f"CREATE TEMPORARY TABLE {_TABLE} ({question.text})")
        (row,) = await tx._fetch(
            "SELECT format_type(a.atttypid, a.atttypmod) AS type, pg_get_expr(d.adbin, d.adrelid) AS text "
            "FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
            f"WHERE a.attrelid = 'pg_temp.{_TABLE}'::regclass AND a.attnum = 1",
            None,
        )
        return Answer(row["type"], row["text"])
    await tx._run(f"CREATE TEMPORARY TABLE {_TABLE} (LIKE {_quoted(question.table, _PG_QUOTE)})")
    await tx._run(f"ALTER TABLE pg_temp.{_TABLE} ADD CONSTRAINT oxyde_c CHECK ({question.text})")
    (row,) = await tx._fetch(
        "SELECT pg_get_expr(conbin, conrelid) AS text FROM pg_constraint "
        f"WHERE conrelid = 'pg_temp.{_TABLE}'::regclass AND conname = 'oxyde_c'",
        None,
    )
    return Answer("", row["text"])


# --- MySQL and MariaDB -------------------------------------------------------------------------------------


async def _ask_mysql(session: Connection, questions: list[Question]) -> dict[Question, Answer]:
    answers: dict[Question, Answer] = {}
    for question in questions:
        try:
            answers[question] = await _mysql_answer(session, question)
        except OxydeError:
            continue  # as above
        finally:
            await session._run(f"DROP TEMPORARY TABLE IF EXISTS {_TABLE}")
    return answers


async def _mysql_answer(session: Connection, question: Question) -> Answer:
    if question.column:
        await session._run(f"CREATE TEMPORARY TABLE {_TABLE} ({question.text})")
        printed = await _shown(session)
        return Answer(printed_type(printed), printed_default(printed))
    await session._run(f"CREATE TEMPORARY TABLE {_TABLE} LIKE {_quoted(question.table, _MY_QUOTE)}")
    await session._run(f"ALTER TABLE {_TABLE} ADD CONSTRAINT oxyde_c CHECK ({question.text})")
    return Answer("", dict(printed_checks(await _shown(session))).get("oxyde_c"))


async def _shown(session: Connection) -> str:
    (row,) = await session._fetch(f"SHOW CREATE TABLE {_TABLE}", None)
    text = row["Create Table"]
    return text.decode() if isinstance(text, bytes) else str(text)


def _quoted(name: str, quote: str) -> str:
    return ".".join(f"{quote}{part.replace(quote, quote * 2)}{quote}" for part in name.split("."))
