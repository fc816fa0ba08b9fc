"""N+1 made visible: statements per task with their line, and the warning that names what is missing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from library import LIBRARY, Author, Book, Tag, fill
from parcels import served
from servers import Server

from oxyde import atomic, db, execute_raw
from oxyde.models import register_table

HERE = Path(__file__).name


@pytest_asyncio.fixture
async def library(empty_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    for model in LIBRARY:  # the warning looks them up; tests of the registry empty it
        register_table(model, overwrite=True)
    async with served(empty_database, LIBRARY) as database:
        await fill()
        yield database


@pytest.fixture
def detecting() -> Iterator[None]:
    db.detect_repeats(5)
    yield
    db.detect_repeats(None)


def line_of(text: str) -> int:
    """The number of the line with that comment."""
    lines = Path(__file__).read_text().splitlines()
    (number,) = (n for n, line in enumerate(lines, 1) if line.endswith(f"# {text}"))
    return number


async def in_a_task(body: object) -> None:
    assert callable(body)
    await asyncio.create_task(body(), name="reader")


async def read_books() -> None:
    authors = await Author.objects.all()
    for author in authors * 3:
        await Book.objects.filter(author_id=author.id).all()  # books of each author


async def read_authors() -> None:
    books = await Book.objects.all()
    for book in books * 2:
        if book.author_id is not None:
            await Author.objects.get(id=book.author_id)  # author of each book


async def test_it_is_off_by_default(library: db.AsyncDatabase, recwarn: pytest.WarningsRecorder) -> None:
    await in_a_task(read_books)
    assert not recwarn.list
    assert db.statement_counts() == []


@pytest.mark.usefixtures("detecting")
async def test_the_warning_names_the_line_and_the_reverse_relation(library: db.AsyncDatabase) -> None:
    with pytest.warns(RuntimeWarning, match="5 times") as caught:
        await in_a_task(read_books)
    (warning,) = caught
    assert (Path(warning.filename).name, warning.lineno) == (HERE, line_of("books of each author"))
    text = str(warning.message)
    assert "task 'reader'" in text
    assert "Author.objects.prefetch('books')" in text
    assert "library_books" in text


@pytest.mark.usefixtures("detecting")
async def test_the_warning_names_the_foreign_key(library: db.AsyncDatabase) -> None:
    with pytest.warns(RuntimeWarning, match="5 times") as caught:
        await in_a_task(read_authors)
    (warning,) = caught
    assert warning.lineno == line_of("author of each book")
    assert "Book.objects.prefetch('author')" in str(warning.message)


@pytest.mark.usefixtures("detecting")
async def test_each_line_is_warned_of_once(library: db.AsyncDatabase) -> None:
    with pytest.warns(RuntimeWarning):
        await in_a_task(read_books)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await in_a_task(read_books)


@pytest.mark.usefixtures("detecting")
async def test_what_is_no_loop_over_rows_is_left_alone(library: db.AsyncDatabase) -> None:
    async def body() -> None:
        for number in range(12):  # different statements
            await Book.objects.filter(id=1).limit(number + 1).order_by("id", *["title"] * (number % 7)).all()
        for _ in range(4):  # too few
            await Tag.objects.all()
        for number in range(8):  # writes
            await Tag.objects.create(word=f"w{number}")
        async for _ in Author.objects.prefetch("books").iterator(chunk_size=1):
            pass
        for _ in range(4):  # one from each of several tasks
            await asyncio.gather(*(asyncio.create_task(count()) for _ in range(3)))

    async def count() -> None:
        await Tag.objects.filter(word="w1").count()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await in_a_task(body)


@pytest.mark.usefixtures("detecting")
async def test_statements_are_counted_per_task_and_line(library: db.AsyncDatabase) -> None:
    async def body() -> list[db.StatementCount]:
        for _ in range(3):
            await Tag.objects.count()  # counted line
        async with atomic():
            await Tag.objects.count()
        await execute_raw("SELECT 1")
        return db.statement_counts()

    assert db.statement_counts() == [] or all(c.count < 100 for c in db.statement_counts())
    task = asyncio.create_task(body())
    counts = await task
    most = counts[0]
    assert (most.count, most.table) == (3, "library_tags")
    assert most.origin.endswith(f"{HERE}:{line_of('counted line')}")
    assert most.seconds > 0 and "COUNT" in most.sql
    assert [count.count for count in counts[1:]].count(1) == len(counts) - 1 >= 2
    assert db.statement_counts(task) == counts


async def test_captured_events_have_their_line(library: db.AsyncDatabase) -> None:
    with db.capture_queries() as log:
        await Tag.objects.count()  # captured line
        await Author.objects.prefetch("books").all()  # captured prefetch
    assert [event.origin and event.origin.rpartition(":")[2] for event in log] == [
        str(line_of("captured line")),
        *[str(line_of("captured prefetch"))] * 2,
    ]
    assert all(event.origin and HERE in event.origin for event in log)


def test_wrong_limits_are_refused() -> None:
    for wrong in (0, 1, -3):
        with pytest.raises(ValueError, match="limit"):
            db.detect_repeats(wrong)
    for other in ("5", 2.0, True):
        with pytest.raises(TypeError, match="limit"):
            db.detect_repeats(other)  # type: ignore[arg-type]


PROGRAM = """
import asyncio
from oxyde import Field, Model, create_tables, db

class Parcel(Model):
    id: int | None = Field(default=None, db_pk=True)
    class Meta:
        is_table = True

async def main():
    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database)
        for number in range(30):
            await Parcel.objects.filter(id=number).all()

asyncio.run(main())
"""


@pytest.mark.parametrize(("options", "warned"), [([], False), (["-X", "dev"], True)])
def test_development_mode_switches_it_on(options: list[str], warned: bool) -> None:
    done = subprocess.run(
        [sys.executable, *options, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert ("RuntimeWarning: task 'Task-1' ran the same statement 20 times here" in done.stderr) is warned
