"""Models for loading related rows: duplicates, ordering, modes and validators beside relations."""

from __future__ import annotations

from typing import Any

import pydantic

from oxyde import Field, Model


class Author(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=40)
    books: list[Book] = Field(db_reverse_fk="author_id")

    class Meta:
        is_table = True
        table_name = "library_authors"


class Book(Model):
    """Ordered by its Meta; tagged, perhaps twice by the same tag."""

    id: int | None = Field(default=None, db_pk=True)
    title: str = Field(max_length=40)
    pages: int = 0
    author: Author | None = None
    tags: list[Tag] = Field(db_m2m=True, db_through="BookTag")
    copies: list[Copy] = Field(db_reverse_fk="book")

    class Meta:
        is_table = True
        table_name = "library_books"
        ordering = ["-title"]


class Tag(Model):
    id: int | None = Field(default=None, db_pk=True)
    word: str = Field(max_length=40)
    books: list[Book] = Field(db_m2m=True, db_through="BookTag")

    class Meta:
        is_table = True
        table_name = "library_tags"


class BookTag(Model):
    """The same pair may be there twice."""

    id: int | None = Field(default=None, db_pk=True)
    book: Book
    tag: Tag
    weight: int = 0

    class Meta:
        is_table = True
        table_name = "library_book_tags"


class Copy(Model):
    """Frozen, and strict about what was not loaded."""

    model_config = pydantic.ConfigDict(frozen=True)

    id: int | None = Field(default=None, db_pk=True)
    shelf: str = Field(default="", max_length=10)
    book: Book | None = None
    loans: list[Loan] = Field(db_reverse_fk="copy_id")

    class Meta:
        is_table = True
        table_name = "library_copies"
        unloaded = "raise"


class Loan(Model):
    """Every row of it goes through its validators, and it keeps the key in a plain column."""

    id: int | None = Field(default=None, db_pk=True)
    reader: str = Field(default="", max_length=40)
    copy_id: int | None = None

    class Meta:
        is_table = True
        table_name = "library_loans"

    @pydantic.model_validator(mode="before")
    @classmethod
    def _strip(cls, data: Any) -> Any:
        return {**data, "reader": str(data.get("reader", "")).strip()} if isinstance(data, dict) else data


LIBRARY: list[type[Model]] = [Author, Book, Tag, BookTag, Copy, Loan]


async def fill() -> None:
    """Ann wrote Ash, Bay and Cod; Ben wrote Dew; nobody wrote Elm. Zoe wrote nothing."""
    await Author.objects.bulk_create([Author(name=name) for name in ("Ann", "Ben", "Zoe")])
    written = [("Bay", 20, 1), ("Ash", 10, 1), ("Cod", 30, 1), ("Dew", 40, 2), ("Elm", 50, None)]
    await Book.objects.bulk_create(
        [Book(title=title, pages=pages, author_id=author) for title, pages, author in written]
    )
    await Tag.objects.bulk_create([Tag(word=word) for word in ("sea", "sun", "dry")])
    pairs = [(1, 3), (1, 1), (2, 1), (3, 2), (3, 1), (3, 2), (4, 3)]
    await BookTag.objects.bulk_create([BookTag(book_id=book, tag_id=tag) for book, tag in pairs])
    await Copy.objects.bulk_create([Copy(shelf=f"s{n}", book_id=1 + n // 2) for n in range(6)])
    await Loan.objects.bulk_create([Loan(reader=f" r{n}", copy_id=1 + n % 2) for n in range(4)])
