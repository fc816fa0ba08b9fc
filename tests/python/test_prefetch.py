"""prefetch(): what is loaded, in which order, with how many statements."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from library import LIBRARY, Author, Book, Copy, Loan, Tag, fill
from parcels import served
from servers import Server

from oxyde import (
    FieldError,
    FieldLookupError,
    ManagerError,
    NotLoadedError,
    Prefetch,
    atomic,
    db,
    is_loaded,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def library(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    """Only read."""
    async with served(fresh_database, LIBRARY) as database:
        await fill()
        yield database


def titles(books: list[Book]) -> list[str]:
    return [book.title for book in books]


def words(tags: list[Tag]) -> list[str]:
    return [tag.word for tag in tags]


# --- each kind of relation ----------------------------------------------------------------


async def test_a_reverse_relation_is_a_list_by_meta_ordering(library: db.AsyncDatabase) -> None:
    authors = await Author.objects.order_by("id").prefetch("books").all()
    assert [titles(author.books) for author in authors] == [["Cod", "Bay", "Ash"], ["Dew"], []]
    assert all(is_loaded(author, "books") for author in authors)
    assert not any(is_loaded(book, "author") for author in authors for book in author.books)


async def test_without_an_order_children_come_by_primary_key(library: db.AsyncDatabase) -> None:
    unordered = Prefetch("books", Book.objects.order_by())
    (ann, *_) = await Author.objects.order_by("id").prefetch(unordered).all()
    assert titles(ann.books) == ["Bay", "Ash", "Cod"]
    backwards = Prefetch("books", Book.objects.order_by().reverse())
    (ann, *_) = await Author.objects.order_by("id").prefetch(backwards).all()
    assert titles(ann.books) == ["Cod", "Ash", "Bay"]


async def test_a_foreign_key_is_one_object_for_all_who_name_it(library: db.AsyncDatabase) -> None:
    books = await Book.objects.order_by("id").prefetch("author").all()
    assert [book.author and book.author.name for book in books] == ["Ann", "Ann", "Ann", "Ben", None]
    assert books[0].author is books[1].author is books[2].author
    assert all(is_loaded(book, "author") for book in books)


async def test_many_to_many_comes_by_link_with_every_duplicate(library: db.AsyncDatabase) -> None:
    books = await Book.objects.order_by("id").prefetch("tags").all()
    assert [words(book.tags) for book in books] == [
        ["dry", "sea"], ["sea"], ["sun", "sea", "sun"], ["dry"], [],
    ]  # fmt: skip
    assert books[0].tags[1] is books[1].tags[0] is books[2].tags[1]
    assert books[2].tags[0] is books[2].tags[2]


async def test_every_parent_has_a_list_of_its_own(library: db.AsyncDatabase) -> None:
    query = Author.objects.filter(name="Ann")
    one, other = await query.union_all(query).prefetch("books").all()
    assert titles(one.books) == titles(other.books) == ["Cod", "Bay", "Ash"]
    assert one.books is not other.books
    (zoe, ben) = await Author.objects.exclude(name="Ann").order_by("-id").prefetch("books").all()
    zoe.books.append(ben.books[0])
    assert titles(ben.books) == ["Dew"]


async def test_a_plain_column_serves_as_the_other_side(library: db.AsyncDatabase) -> None:
    copies = await Copy.objects.order_by("id").prefetch("loans").all()
    assert [[loan.reader for loan in copy.loans] for copy in copies[:3]] == [["r0", "r2"], ["r1", "r3"], []]


# --- trees ----------------------------------------------------------------------------------


async def test_each_relation_is_loaded_once(library: db.AsyncDatabase) -> None:
    with db.capture_queries() as log:
        authors = await Author.objects.prefetch("books", "books__tags", "books__copies__loans").all()
    tables = [event.table for event in log]
    tables[2:4] = sorted(str(table) for table in tables[2:4])  # of one level, on several connections
    assert tables == [
        "library_authors", "library_books", "library_copies", "library_tags", "library_loans",
    ]  # fmt: skip
    (ann,) = (author for author in authors if author.name == "Ann")
    assert {book.title: words(book.tags) for book in ann.books}["Bay"] == ["dry", "sea"]
    bay = ann.books[1]
    assert [len(copy.loans) for copy in bay.copies] == [2, 2]


async def test_paths_are_also_relations_of_the_class(library: db.AsyncDatabase) -> None:
    ann = await Author.objects.prefetch(Author.books.tags).get(name="Ann")  # type: ignore[attr-defined]
    assert words(ann.books[1].tags) == ["dry", "sea"]
    ann = await Author.objects.prefetch(Prefetch(Author.books, limit=1)).get(name="Ann")
    assert titles(ann.books) == ["Cod"]


async def test_later_calls_add_to_the_tree(library: db.AsyncDatabase) -> None:
    base = Author.objects.prefetch("books")
    more = base.prefetch("books__tags").prefetch("books")
    with db.capture_queries() as log:
        await base.all()
        await more.all()
    assert len(log) == 2 + 3


async def test_nothing_is_sent_without_keys(library: db.AsyncDatabase) -> None:
    with db.capture_queries() as log:
        assert await Author.objects.filter(name="Nobody").prefetch("books__tags").all() == []
        assert await Author.objects.filter(name="Nobody").prefetch("books__tags").first() is None
        (elm,) = await Book.objects.filter(title="Elm").prefetch("author__books").all()
        assert await Author.objects.none().prefetch("books").all() == []
        (zoe,) = await Author.objects.filter(name="Zoe").prefetch("books__tags").all()
        nobody = Prefetch("books", Book.objects.none())
        (ann,) = await Author.objects.filter(name="Ann").prefetch(nobody).all()
    assert len(log) == 1 + 1 + 1 + 0 + 2 + 1
    assert elm.author is None
    assert is_loaded(elm, "author")
    assert zoe.books == ann.books == []


async def test_a_relation_to_the_same_model_again(library: db.AsyncDatabase) -> None:
    (ash,) = await Book.objects.filter(title="Ash").prefetch("author__books__author").all()
    assert ash.author is not None
    again = ash.author.books[2]
    assert (again.id, again.title) == (ash.id, "Ash")
    assert again is not ash
    assert again.author is not ash.author  # back references are not filled
    assert again.author == (await Author.objects.get(name="Ann"))


async def test_any_number_of_keys(library: db.AsyncDatabase) -> None:
    for count in (1, 3, 4, 64, 65, 100, 101, 102, 300):
        async with atomic() as block:
            ids = range(1000, 1000 + count)
            await Author.objects.bulk_create([Author(id=n, name=f"A{n}") for n in ids])
            await Book.objects.bulk_create([Book(title=f"T{n}", author_id=n) for n in ids for _ in "ab"])
            query = Author.objects.filter(id__gte=1000).prefetch("books__author")
            authors = await query.all()
            block.set_rollback(True)
        assert [author.id for author in authors] == list(ids)
        for author in authors:
            assert titles(author.books) == [f"T{author.id}"] * 2
            assert author.books[0].author == author.books[1].author
            assert author.books[0].author is not None
            assert author.books[0].author.id == author.id


# --- Prefetch -----------------------------------------------------------------------------------


async def test_a_queryset_filters_orders_and_annotates(library: db.AsyncDatabase) -> None:
    long = Book.objects.filter(pages__gte=20).order_by("pages").annotate(half=Book.pages / 2)
    authors = await Author.objects.order_by("id").prefetch(Prefetch("books", long)).all()
    assert [[(book.title, book.half) for book in author.books] for author in authors] == [  # type: ignore[attr-defined]
        [("Bay", 10.0), ("Cod", 15.0)], [("Dew", 20.0)], [],
    ]  # fmt: skip
    assert is_loaded(authors[0], "books")


async def test_a_limit_counts_per_parent(library: db.AsyncDatabase) -> None:
    longest = Book.objects.order_by("-pages")
    authors = await Author.objects.order_by("id").prefetch(Prefetch("books", longest, limit=2)).all()
    assert [titles(author.books) for author in authors] == [["Cod", "Bay"], ["Dew"], []]
    authors = await Author.objects.order_by("id").prefetch(Prefetch("books", longest[1:3])).all()
    assert [titles(author.books) for author in authors] == [["Bay", "Ash"], [], []]
    authors = await Author.objects.order_by("id").prefetch(Prefetch("books", longest[1:3], limit=1)).all()
    assert [titles(author.books) for author in authors] == [["Bay"], [], []]
    authors = await Author.objects.order_by("id").prefetch(Prefetch("books", longest.offset(1))).all()
    assert [titles(author.books) for author in authors] == [["Bay", "Ash"], [], []]
    authors = await Author.objects.order_by("id").prefetch(Prefetch("books", limit=0)).all()
    assert [titles(author.books) for author in authors] == [[], [], []]


async def test_a_limit_of_links_and_of_annotated_rows(library: db.AsyncDatabase) -> None:
    books = await Book.objects.order_by("id").prefetch(Prefetch("tags", limit=2)).all()
    assert [words(book.tags) for book in books] == [["dry", "sea"], ["sea"], ["sun", "sea"], ["dry"], []]
    by_alias = Book.objects.annotate(twice=Book.pages * 2).order_by("-twice")
    (ann, *_) = await Author.objects.order_by("id").prefetch(Prefetch("books", by_alias, limit=1)).all()
    assert [(book.title, book.twice) for book in ann.books] == [("Cod", 60)]  # type: ignore[attr-defined]
    distinct = Prefetch("tags", Tag.objects.order_by("word").distinct())
    (bay, *_, cod, _, _) = await Book.objects.order_by("id").prefetch(distinct).all()
    assert (words(bay.tags), words(cod.tags)) == (["dry", "sea"], ["sea", "sun"])


async def test_a_partial_row_also_selects_what_its_relations_need(library: db.AsyncDatabase) -> None:
    few = Book.objects.only("pages").order_by("id")
    (ann, *_) = await Author.objects.order_by("id").prefetch(Prefetch("books", few), "books__tags").all()
    assert [book.pages for book in ann.books] == [20, 10, 30]
    assert not is_loaded(ann.books[0], "title")
    assert words(ann.books[0].tags) == ["dry", "sea"]
    bay = await Book.objects.only("title").prefetch("author").get(title="Bay")
    assert bay.author is not None
    assert bay.author.name == "Ann"
    assert not is_loaded(bay, "pages")
    bay = await Book.objects.defer("author_id", "pages").prefetch("author").get(title="Bay")
    assert bay.author is not None
    assert not is_loaded(bay, "pages")


async def test_to_attr_leaves_the_relation_unloaded(library: db.AsyncDatabase) -> None:
    query = Author.objects.order_by("id").prefetch(
        Prefetch("books", Book.objects.filter(pages__gt=20), to_attr="long_books"),
        Prefetch("books", Book.objects.filter(pages__lt=20), to_attr="short_books"),
        "long_books__tags",
    )
    ann = await query.get(name="Ann")
    assert (titles(ann.long_books), titles(ann.short_books)) == (["Cod"], ["Ash"])  # type: ignore[attr-defined]
    assert words(ann.long_books[0].tags) == ["sun", "sea", "sun"]  # type: ignore[attr-defined]
    assert ann.books == []
    assert not is_loaded(ann, "books")
    assert "long_books" not in ann.model_dump()
    one = Prefetch("author", to_attr="writer")
    assert [book.writer and book.writer.name for book in await Book.objects.prefetch(one).all()] == [  # type: ignore[attr-defined]
        None, "Ben", "Ann", "Ann", "Ann",
    ]  # fmt: skip


async def test_a_queryset_of_combined_rows(library: db.AsyncDatabase) -> None:
    both = Book.objects.filter(pages=10).union(Book.objects.filter(pages__gte=30)).order_by("pages")
    authors = await Author.objects.order_by("id").prefetch(Prefetch("books", both), "books__tags").all()
    assert [titles(author.books) for author in authors] == [["Ash", "Cod"], ["Dew"], []]
    assert words(authors[0].books[0].tags) == ["sea"]
    (ann, *_) = await Author.objects.order_by("id").prefetch(Prefetch("books", both, limit=1)).all()
    assert titles(ann.books) == ["Ash"]


async def test_relations_of_nested_querysets_join_the_tree(library: db.AsyncDatabase) -> None:
    books = Prefetch("books", Book.objects.prefetch("tags", Prefetch("copies", limit=1)))
    with db.capture_queries() as log:
        ann = await Author.objects.prefetch(books, "books__tags", "books__copies").get(name="Ann")
    assert len(log) == 4
    assert [len(book.copies) for book in ann.books] == [1, 1, 1]
    with pytest.raises(ValueError, match="two different querysets"):
        await Author.objects.prefetch(books, Prefetch("books__copies", limit=2)).all()


async def test_two_querysets_for_one_path_are_refused(library: db.AsyncDatabase) -> None:
    long, short = Book.objects.filter(pages__gt=20), Book.objects.filter(pages__lt=20)
    with pytest.raises(ValueError, match="two different querysets for 'books'"):
        Author.objects.prefetch(Prefetch("books", long), Prefetch("books", short))
    with pytest.raises(ValueError, match="to_attr='some'"):
        Author.objects.prefetch(Prefetch("books", long, to_attr="some")).prefetch(
            Prefetch("books", short, to_attr="some")
        )
    same = Author.objects.prefetch(Prefetch("books", long), "books", Prefetch("books", long))
    assert titles((await same.get(name="Ann")).books) == ["Cod"]


# --- with joins ------------------------------------------------------------------------------


async def test_a_limited_row_brings_its_joins_and_prefetches(library: db.AsyncDatabase) -> None:
    latest = Book.objects.order_by("-pages").join("author").prefetch("tags")
    (ann, *_) = await Author.objects.order_by("id").prefetch(Prefetch("books", latest, limit=1)).all()
    (cod,) = ann.books
    assert cod.title == "Cod"
    assert cod.author is not None
    assert cod.author.name == "Ann"
    assert words(cod.tags) == ["sun", "sea", "sun"]


async def test_joined_rows_are_loaded_on(library: db.AsyncDatabase) -> None:
    with db.capture_queries() as log:
        copies = await Copy.objects.order_by("id").join("book__author").prefetch("book__tags").all()
    assert len(log) == 2
    assert copies[0].book is not None
    assert copies[0].book is copies[1].book
    assert [words(copy.book.tags) for copy in copies if copy.book] == [
        ["dry", "sea"], ["dry", "sea"], ["sea"], ["sea"], ["sun", "sea", "sun"], ["sun", "sea", "sun"],
    ]  # fmt: skip
    with db.capture_queries() as log:
        books = await Book.objects.order_by("id").join("author").prefetch("author", "author__books").all()
    assert len(log) == 2
    assert [len(book.author.books) if book.author else None for book in books] == [3, 3, 3, 1, None]


# --- terminals --------------------------------------------------------------------------------------


async def test_every_terminal_that_gives_models(library: db.AsyncDatabase) -> None:
    query = Author.objects.prefetch("books")
    ann = await query.get(name="Ann")
    assert (await query.order_by("id").all())[0] == ann
    assert len((await query.all(mode="models"))[0].books) == 3
    assert await query.get_or_none(name="Nobody") is None
    for found in (
        await query.get_or_none(name="Ann"),
        await query.first(),
        await query.order_by("-id").last(),
        await query.earliest("id"),
        await query.latest("-id"),
        (await query.in_bulk([1]))[1],
        (await query.values("name").fetch_models())[0],
        await query.order_by("-id")[1:].last(),
        (await query.get_or_create(name="Ann"))[0],
    ):
        assert found is not None
        assert (found.name, titles(found.books)) == ("Ann", ["Cod", "Bay", "Ash"])


async def test_other_modes_ignore_it(library: db.AsyncDatabase) -> None:
    query = Author.objects.prefetch("books").order_by("id")
    with db.capture_queries() as log:
        assert await query.values("name").first() == {"name": "Ann"}
        assert await query.values_list("name", flat=True).all() == ["Ann", "Ben", "Zoe"]
        assert await query.count() == 3
        assert await query.exists()
        assert (await query.fetch_all())[0] == {"id": 1, "name": "Ann"}
    assert len(log) == 5
    assert "books" not in query.sql()[0]


# --- models of other kinds -----------------------------------------------------------------------


async def test_frozen_models_that_raise_for_what_is_not_loaded(library: db.AsyncDatabase) -> None:
    copy = await Copy.objects.prefetch("book").get(id=1)
    assert copy.book is not None
    assert copy.book.title == "Bay"
    with pytest.raises(NotLoadedError):
        _ = copy.loans
    copy = await Copy.objects.prefetch("loans").get(id=1)
    assert [loan.reader for loan in copy.loans] == ["r0", "r2"]
    with pytest.raises(NotLoadedError):
        _ = copy.book


# --- errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "error", "text"),
    [
        ("bocks", FieldLookupError, "Author has no relation 'bocks'; did you mean 'books'"),
        ("name", FieldLookupError, "Author.name is no relation"),
        ("books__pages", FieldLookupError, "Book.pages is no relation"),
        ("books__tags__nothing", FieldLookupError, "Tag has no relation 'nothing'"),
        (Prefetch("books", to_attr="name"), ValueError, "Author has that attribute already"),
        (Prefetch("books", to_attr="save"), ValueError, "Author has that attribute already"),
        (Prefetch("books", Book.objects.order_by("tittle")), FieldError, "Book has no field 'tittle'"),
        (Prefetch("books", Book.objects.only("tittle"), limit=1), FieldError, "Book has no field 'tittle'"),
        (Prefetch("books__tags", Tag.objects.group_by("word")), TypeError, "groups, not models"),
        (Prefetch("books", Tag.objects), ValueError, "Author.books needs a query of Book, not of Tag"),
    ],
)
async def test_what_is_wrong_is_told_before_any_statement(
    library: db.AsyncDatabase, path: str | Prefetch, error: type[Exception], text: str
) -> None:
    query = Author.objects.prefetch(path)
    with db.capture_queries() as log:
        with pytest.raises(error, match=text):
            await query.all()
        with pytest.raises(error, match=text):
            query.sql()
    assert log == []


async def test_wrong_arguments_are_told_at_the_call() -> None:
    with pytest.raises(ValueError, match="needs the name of a relation"):
        Author.objects.prefetch()
    with pytest.raises(ValueError, match="empty string"):
        Author.objects.prefetch("")
    with pytest.raises(TypeError, match="not int"):
        Author.objects.prefetch(3)
    with pytest.raises(ValueError, match="no negative number"):
        Prefetch("books", limit=-1)
    with pytest.raises(TypeError, match="takes an int, not bool"):
        Prefetch("books", limit=True)
    with pytest.raises(ValueError, match="values"):
        Prefetch("books", Book.objects.values("title"))
    with pytest.raises(TypeError, match="takes a query, not list"):
        Prefetch("books", [])
    with pytest.raises(ValueError, match="no name"):
        Prefetch("books", to_attr="long books")
    with pytest.raises(ValueError, match="no name"):
        Prefetch("books", to_attr="_books")
    shown = repr(Prefetch("books", Book.objects, limit=2, to_attr="some"))
    assert shown == "Prefetch('books', <query of Book>, limit=2, to_attr='some')"


# --- clients -----------------------------------------------------------------------------------------


async def test_all_statements_run_on_one_client(library: db.AsyncDatabase) -> None:
    query = Author.objects.filter(name="Ann").prefetch("books__tags", "books__copies")
    async with atomic() as block:
        await Tag.objects.filter(id=1).update(word="tide")
        with db.capture_queries() as log:
            (ann,) = await query.all()
            (again,) = await asyncio.create_task(query.all(client=block))
        block.set_rollback(True)
    assert words(ann.books[1].tags) == words(again.books[1].tags) == ["dry", "tide"]
    assert len({event.transaction_id for event in log}) == 1
    assert log[0].transaction_id is not None
    with db.capture_queries() as log:
        (ann,) = await query.all(using="default")
        (again,) = await query.all(client=library)
    assert words(ann.books[1].tags) == ["dry", "sea"]
    assert [event.transaction_id for event in log] == [None] * 8
    with pytest.raises(ManagerError, match="either 'client' or 'using'"):
        await query.all(using="default", client=library)


async def test_rows_that_were_validated_whole(library: db.AsyncDatabase) -> None:
    loans = Prefetch("loans", Loan.objects.order_by("-reader"))
    copy = await Copy.objects.prefetch(loans).get(id=2)
    assert [loan.reader for loan in copy.loans] == ["r3", "r1"]
