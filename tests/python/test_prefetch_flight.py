"""prefetch() inside a transaction of PostgreSQL: the statements of a level travel together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from library import LIBRARY, Author, Book, Copy, fill
from parcels import served
from proxy import Line, Proxy
from servers import Server

from oxyde import DatabaseError, Prefetch, RawSQL, TransactionAbortedError, atomic, db

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Flights(Proxy):
    """Answers slowly, so that whatever does not wait for an answer is there before it.

    `binds` counts the statements that came since the last answer, for each answer that some came before.
    """

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.binds: list[int] = []
        self._coming = 0
        self._rest = b""
        self.watching = False

    async def _send(self, line: Line, data: bytes, writer: asyncio.StreamWriter, towards: Any) -> bool:
        if self.watching and towards == "server":
            self._count(data)
        elif self.watching:
            await asyncio.sleep(0.1)
            if self._coming:
                self.binds.append(self._coming)
                self._coming = 0
        return await super()._send(line, data, writer, towards)

    def _count(self, data: bytes) -> None:
        data = self._rest + data
        while len(data) >= 5 and len(data) > int.from_bytes(data[1:5], "big"):
            self._coming += data[:1] == b"B"
            data = data[1 + int.from_bytes(data[1:5], "big") :]
        self._rest = data

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[list[int]]:
        self.binds, self.watching = [], True
        try:
            yield self.binds
        finally:
            self.watching = False


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def library(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with served(fresh_database, LIBRARY) as database:
        await fill()
        yield database


def napping(seconds: float) -> Prefetch:
    return Prefetch("copies", Copy.objects.annotate(nap=RawSQL(f"pg_sleep({seconds})")), to_attr="slow")


WRONG = Prefetch("copies", Copy.objects.annotate(no=RawSQL("no_such_function(1)")), to_attr="wrong")


async def test_a_level_is_one_flight(library: db.AsyncDatabase, fresh_database: Server) -> None:
    if library.backend != "postgres":
        return  # the others answer one statement of a connection at a time
    query = Book.objects.prefetch(
        "author", "tags", "copies__loans", Prefetch("copies", limit=1, to_attr="one")
    )
    async with Flights(fresh_database.port) as proxy:
        url = fresh_database.url.replace(f":{fresh_database.port}", f":{proxy.port}")
        async with db.connect(url, name="watched"), atomic(using="watched") as block:
            expected = await query.all(client=block)  # statements are prepared from here on
            async with proxy.watched() as binds:
                books = await query.all(client=block)
            assert binds == [1, 4, 1]
    assert [book.model_dump() for book in books] == [book.model_dump() for book in expected]
    assert [book.model_dump() for book in books] == [book.model_dump() for book in await query.all()]


async def test_every_statement_of_a_flight_is_observed(library: db.AsyncDatabase) -> None:
    async with atomic():
        with db.capture_queries() as queries:
            await Book.objects.prefetch("author", "tags", "copies").all()
    reads = [event for event in queries if event.table]
    assert sorted(event.table or "" for event in reads[1:]) == [
        "library_authors", "library_copies", "library_tags",
    ]  # fmt: skip
    assert all(event.rows > 0 and event.error is None for event in reads)


@pytest.mark.parametrize("place", range(3))
async def test_an_error_in_a_flight_is_the_errors_own(library: db.AsyncDatabase, place: int) -> None:
    paths: list[Any] = ["author", "tags"]
    paths.insert(place, WRONG)
    async with atomic():
        for _ in range(3):
            with pytest.raises(DatabaseError, match=r"(?i)no_such_function"):
                async with atomic():
                    await Book.objects.prefetch(*paths).all()
        books = await Book.objects.prefetch("author", "tags", "copies").all()
    assert sum(len(book.tags) for book in books) == 7


async def test_what_fails_in_a_flight_fails_the_transaction(library: db.AsyncDatabase) -> None:
    if library.backend != "postgres":
        return
    async with atomic() as block:
        with pytest.raises(DatabaseError, match="no_such_function"):
            await Book.objects.prefetch(WRONG, "author", "tags").all()
        with pytest.raises(TransactionAbortedError):
            await Author.objects.all()
        block.set_rollback(True)


@pytest.mark.parametrize("place", range(3))
async def test_a_flight_can_be_cancelled(library: db.AsyncDatabase, place: int) -> None:
    if library.backend != "postgres":
        return
    paths: list[Any] = ["author", "tags"]
    paths.insert(place, napping(5))
    async with atomic():
        for _ in range(3):
            with pytest.raises(asyncio.TimeoutError):
                async with atomic():
                    await asyncio.wait_for(Book.objects.prefetch(*paths).all(), 0.2)
        books = await Book.objects.prefetch("author", "tags", "copies").all()
    assert sum(len(book.tags) for book in books) == 7
    assert sum(len(author.books) for author in await Author.objects.prefetch("books").all()) == 4


async def test_more_statements_than_one_flight_takes(library: db.AsyncDatabase) -> None:
    paths = [Prefetch("copies", limit=1, to_attr=f"copies_{n}") for n in range(40)]
    async with atomic():
        books = await Book.objects.prefetch("author", *paths).all()
    for book in books:
        assert [getattr(book, f"copies_{n}") for n in range(40)] == [book.copies_0] * 40  # type: ignore[attr-defined]


async def test_a_task_of_the_same_transaction_waits_its_turn(library: db.AsyncDatabase) -> None:
    async def one(client: Any) -> int:
        books = await Book.objects.prefetch("author", "tags", "copies").all(client=client)
        return sum(len(book.tags) + len(book.copies) for book in books)

    async with atomic() as block:
        alone = await one(block)
        assert await asyncio.gather(*(one(block) for _ in range(20))) == [alone] * 20


async def test_a_statement_that_selects_nothing_is_not_sent(library: db.AsyncDatabase) -> None:
    nothing = Prefetch("copies", Copy.objects.filter(id__in=[]), to_attr="none")
    async with atomic():
        for paths in (
            [nothing, "author"],
            ["author", nothing, "tags"],
            ["author", nothing],
            [nothing, nothing],
        ):
            books = await Book.objects.prefetch(*paths).all()
            assert [book.none for book in books] == [[]] * 5  # type: ignore[attr-defined]
