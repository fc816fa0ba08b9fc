"""Streams with joins and prefetches: loaded for each chunk, from the same place."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from library import LIBRARY, Author, Book, fill
from parcels import served
from servers import Server

from oxyde import FieldLookupError, PoolSettings, atomic, db, is_loaded

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def library(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    """Only read."""
    async with served(fresh_database, LIBRARY) as database:
        await fill()
        yield database


async def test_prefetches_run_once_per_chunk(library: db.AsyncDatabase) -> None:
    whole = await Author.objects.order_by("id").prefetch("books__tags").all()
    with db.capture_queries() as log:
        query = Author.objects.order_by("id").prefetch("books__tags")
        rows = [author async for author in query.iterator(chunk_size=1)]
    assert [[[tag.word for tag in book.tags] for book in author.books] for author in rows] == [
        [[tag.word for tag in book.tags] for book in author.books] for author in whole
    ]
    assert all(is_loaded(author, "books") for author in rows)
    tables = [event.table for event in log]
    assert tables.count("library_authors") == 1
    assert tables.count("library_books") == len(rows)


async def test_prefetches_inside_a_transaction_and_joins(library: db.AsyncDatabase) -> None:
    async with atomic():
        query = Book.objects.order_by("id").join("author").prefetch("tags")
        books = [book async for book in query.iterator(chunk_size=2)]
    assert [book.author and book.author.name for book in books] == ["Ann", "Ann", "Ann", "Ben", None]
    assert [len(book.tags) for book in books] == [2, 1, 3, 1, 0]


async def test_prefetches_over_the_only_connection(library: db.AsyncDatabase) -> None:
    if library.backend == "sqlite":  # in memory there is one connection anyway
        books = [book async for book in Book.objects.order_by("id").prefetch("tags").iterator(chunk_size=2)]
    else:
        settings = PoolSettings(max_connections=1, acquire_timeout=3)
        async with db.connect(library.url, name="narrow", settings=settings):
            query = Book.objects.order_by("id").prefetch("tags")
            books = [book async for book in query.iterator(chunk_size=2, using="narrow")]
    assert [len(book.tags) for book in books] == [2, 1, 3, 1, 0]


async def test_an_unknown_relation_is_refused_before_anything_is_sent(library: db.AsyncDatabase) -> None:
    with db.capture_queries() as log, pytest.raises(FieldLookupError, match="pages"):
        async for _ in Book.objects.prefetch("pages"):
            pass
    assert log == []


async def test_dicts_and_tuples_have_no_prefetches(library: db.AsyncDatabase) -> None:
    with db.capture_queries() as log:
        rows = [row async for row in Book.objects.order_by("id").prefetch("tags").values("id").iterator(2)]
    assert len(rows) == 5 and len(log) == 1
