"""prefetch() as statements: their text, their number, and what becomes of the others when one fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from fleet import FLEET, Berth, Depot, Truck, Visit
from library import LIBRARY, Author, Book, Tag, fill
from parcels import served
from servers import Server

from oxyde import (
    DatabaseError,
    DataError,
    ForeignKeyViolationError,
    Prefetch,
    RawSQL,
    atomic,
    db,
    execute_raw,
)
from oxyde.queries import Query, _prefetch

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def library(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with served(fresh_database, LIBRARY) as database:
        await fill()
        yield database


def linked(query: Any, owner: type, name: str, keys: list[Any]) -> str:
    text: str = query._with(link=(owner, name, keys))._sql("postgres")[0]
    return text


# --- text --------------------------------------------------------------------------------------


async def test_the_key_is_a_column_that_is_selected_anyway() -> None:
    assert linked(Query(Author), Book, "author", [1]) == (
        'SELECT "id", "name" FROM "library_authors" WHERE "id" IN ($1)'
    )
    assert linked(Query(Book), Author, "books", [1, 2]) == (
        'SELECT "id", "title", "pages", "author_id" FROM "library_books" '
        'WHERE "author_id" IN ($1, $2) ORDER BY "title" DESC'
    )
    assert linked(Query(Book).only("pages"), Author, "books", [1]) == (
        'SELECT "id", "pages", "author_id" FROM "library_books" '
        'WHERE "author_id" IN ($1) ORDER BY "title" DESC'
    )
    assert linked(Query(Visit), Berth, "visits", [("N4", 1), ("N4", 2)]) == (
        'SELECT "id", "berth_depot_code", "berth_number", "truck_plate" FROM "fleet_visits" '
        'WHERE ("berth_depot_code", "berth_number") IN (($1, $2), ($3, $4))'
    )


async def test_many_to_many_joins_its_junction() -> None:
    assert linked(Query(Tag), Book, "tags", [1]) == (
        'SELECT "library_tags"."id", "library_tags"."word", "oxyde_link"."book_id", "oxyde_link"."id" '
        'FROM "library_tags" '
        'INNER JOIN "library_book_tags" AS "oxyde_link" ON "oxyde_link"."tag_id" = "library_tags"."id" '
        'WHERE "oxyde_link"."book_id" IN ($1)'
    )


async def test_a_slice_numbers_the_rows_of_each_key() -> None:
    assert linked(Query(Book).filter(pages__gt=1)[1:3], Author, "books", [1]) == (
        'SELECT "c0", "c1", "c2", "c3" FROM (SELECT "id" AS "c0", "title" AS "c1", "pages" AS "c2", '
        '"author_id" AS "c3", ROW_NUMBER() OVER (PARTITION BY "author_id" ORDER BY "title" DESC) '
        'AS "oxyde_number" FROM "library_books" WHERE "pages" > $1 AND "author_id" IN ($2)) AS "u1" '
        'WHERE "oxyde_number" > $3 AND "oxyde_number" <= $4 ORDER BY "oxyde_number"'
    )


async def test_few_texts_serve_any_number_of_keys() -> None:
    texts = {linked(Query(Author), Book, "author", list(range(n))) for n in (*range(1, 110), 2000)}
    assert len(texts) == 5  # 1, 2, 4, 8, and one array
    assert sum("= ANY($1)" in text for text in texts) == 1
    pairs = {
        linked(Query(Visit), Berth, "visits", [("N4", n) for n in range(count)]) for count in range(1, 100)
    }
    assert len(pairs) == 8


# --- number ------------------------------------------------------------------------------------


async def test_keys_are_chunked(library: db.AsyncDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_prefetch, "_MOST_KEYS", 2)
    with db.capture_queries() as log:
        books = await Book.objects.order_by("id").prefetch("tags", "copies").all()
    assert len(log) == 1 + 3 + 3
    assert [[tag.word for tag in book.tags] for book in books] == [
        ["dry", "sea"], ["sea"], ["sun", "sea", "sun"], ["dry"], [],
    ]  # fmt: skip
    assert books[0].tags[1] is books[2].tags[1]  # shared by all chunks
    assert [len(book.copies) for book in books] == [2, 2, 2, 0, 0]


# --- failing -------------------------------------------------------------------------------------


async def test_an_error_of_one_statement_is_raised_and_hurts_nobody(library: db.AsyncDatabase) -> None:
    wrong = Prefetch("books", Book.objects.annotate(no=RawSQL("no_such_function(1)")), to_attr="wrong")
    query = Author.objects.prefetch(wrong, "books", Prefetch("books", limit=1, to_attr="latest"))
    for _ in range(30):
        with pytest.raises(DatabaseError, match=r"(?i)no_such_function"):
            await query.all()
    async with atomic():
        authors = await Author.objects.prefetch("books").all()
    assert sum(len(author.books) for author in authors) == 4


async def test_a_cell_that_cannot_be_read_is_named(library: db.AsyncDatabase) -> None:
    if library.backend != "sqlite":
        return  # the others keep only what a column is made for
    async with atomic() as block:
        await execute_raw("UPDATE library_books SET pages = 'many' WHERE id = 1")
        with pytest.raises(DataError, match=r"library_books.*pages"):
            await Author.objects.prefetch(Prefetch("books", limit=5)).all()
        block.set_rollback(True)


async def test_cancelling_ends_what_is_under_way(library: db.AsyncDatabase) -> None:
    sleep = {"postgres": "pg_sleep(5)", "mysql": "SLEEP(5)", "mariadb": "SLEEP(5)"}.get(
        str(library.flavor), "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT count(*) FROM n LIMIT 1)",
    )  # fmt: skip
    slow = Prefetch("books", Book.objects.filter(id=1).annotate(nap=RawSQL(sleep)), to_attr="slow")
    query = Author.objects.prefetch(
        slow, "books", Prefetch("books", Book.objects.filter(id=4)[:1], to_attr="b")
    )
    for _ in range(3):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(query.all(), 0.2)
    authors = await Author.objects.prefetch("books__copies").all()
    assert sum(len(author.books) for author in authors) == 4


async def test_many_tasks_at_once(library: db.AsyncDatabase) -> None:
    async def one() -> int:
        authors = await Author.objects.prefetch("books__tags", "books__copies__loans").all()
        return sum(len(book.tags) + len(book.copies) for author in authors for book in author.books)

    assert await asyncio.gather(*(one() for _ in range(60))) == [13] * 60


# --- keys that only the server takes for equal ---------------------------------------------------


async def test_texts_of_other_case_under_a_collation(fresh_database: Server) -> None:
    async with served(fresh_database, FLEET) as fleet:
        await Depot.objects.create(code="n\u00e94")
        if fleet.backend != "mysql":
            with pytest.raises(ForeignKeyViolationError):
                await Truck.objects.create(plate="A", home_code="N\u00c94")
            return
        await Truck.objects.bulk_create(
            [Truck(plate="A", home_code="N\u00c94"), Truck(plate="B", home_code="n\u00e94")]
        )
        depot = await Depot.objects.prefetch("trucks").get()
        assert [truck.plate for truck in depot.trucks] == ["A", "B"]
        assert [truck.home.code for truck in await Truck.objects.prefetch("home").all() if truck.home] == [
            "n\u00e94"
        ] * 2
