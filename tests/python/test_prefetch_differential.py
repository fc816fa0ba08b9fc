"""Random trees of prefetches give what a plain walk over the rows gives, on every server."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from library import LIBRARY, Author, Book, BookTag, Copy, Loan, Tag
from parcels import served
from servers import Server

from oxyde import Model, Prefetch, db

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROWS = {Author: 12, Book: 60, Tag: 9, BookTag: 150, Copy: 80, Loan: 120}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rows(fresh_database: Server) -> AsyncIterator[dict[type[Model], list[Any]]]:
    """All rows, by model; foreign keys may be NULL, links double, parents without children."""
    pick = random.Random(7)

    def one_of(model: type[Model], none: float = 0.1) -> int | None:
        return None if pick.random() < none else pick.randint(1, ROWS[model] - 2)

    async with served(fresh_database, LIBRARY):
        await Author.objects.bulk_create([Author(name=f"n{n % 5}") for n in range(ROWS[Author])])
        await Book.objects.bulk_create(
            [Book(title=f"t{n % 7}", pages=n % 11, author_id=one_of(Author)) for n in range(ROWS[Book])]
        )
        await Tag.objects.bulk_create([Tag(word=f"w{n % 4}") for n in range(ROWS[Tag])])
        links = [(one_of(Book, 0), one_of(Tag, 0)) for _ in range(ROWS[BookTag])]
        await BookTag.objects.bulk_create([BookTag(book_id=book, tag_id=tag) for book, tag in links])
        await Copy.objects.bulk_create(
            [Copy(shelf=f"s{n % 3}", book_id=one_of(Book)) for n in range(ROWS[Copy])]
        )
        await Loan.objects.bulk_create(
            [Loan(reader=f"r{n % 6}", copy_id=one_of(Copy)) for n in range(ROWS[Loan])]
        )
        yield {model: await model.objects.order_by("id").all() for model in LIBRARY}


# --- relations, as one would walk them --------------------------------------------------------

Rows = dict[type[Model], list[Any]]
Walk = Callable[[Rows, Any], list[Any]]


class Relation(NamedTuple):
    target: type[Model]
    many: bool
    walk: Walk
    word: str  # a text field of the target


def reverse(target: type[Model], key: str, word: str) -> Relation:
    return Relation(
        target, True, lambda rows, row: [o for o in rows[target] if getattr(o, key) == row.id], word
    )


def forward(target: type[Model], key: str, word: str) -> Relation:
    return Relation(
        target, False, lambda rows, row: [o for o in rows[target] if o.id == getattr(row, key)], word
    )


def through(target: type[Model], here: str, there: str, word: str) -> Relation:
    def walk(rows: Rows, row: Any) -> list[Any]:
        by_id = {other.id: other for other in rows[target]}
        return [by_id[getattr(link, there)] for link in rows[BookTag] if getattr(link, here) == row.id]

    return Relation(target, True, walk, word)


RELATIONS: dict[type[Model], dict[str, Relation]] = {
    Author: {"books": reverse(Book, "author_id", "title")},
    Book: {
        "author": forward(Author, "author_id", "name"),
        "tags": through(Tag, "book_id", "tag_id", "word"),
        "copies": reverse(Copy, "book_id", "shelf"),
    },
    Tag: {"books": through(Book, "tag_id", "book_id", "title")},
    Copy: {"book": forward(Book, "book_id", "title"), "loans": reverse(Loan, "copy_id", "reader")},
    Loan: {},
}


class Node(NamedTuple):
    """One relation of a random tree, and what its queryset does."""

    name: str
    attribute: str
    plain: bool
    word: str | None  # only rows whose word is another
    order: str  # "", "id", "-id", "word", "-word"
    start: int
    stop: int | None
    below: list[Node]


def grow(pick: random.Random, model: type[Model], depth: int) -> list[Node]:
    nodes = []
    for name, relation in RELATIONS[model].items():
        if depth == 0 or pick.random() < 0.4:
            continue
        plain = pick.random() < 0.4
        sliced = relation.many and pick.random() < 0.5
        nodes.append(
            Node(
                name,
                name if plain or pick.random() < 0.5 else f"some_{name}",
                plain,
                None if pick.random() < 0.5 else f"{relation.word[0]}{pick.randint(0, 3)}",
                pick.choice(["", "id", "-id", "word", "-word"]),
                pick.randint(0, 2) if sliced else 0,
                pick.randint(0, 4) if sliced else None,
                grow(pick, relation.target, depth - 1),
            )
        )
    return nodes


def prefetches(model: type[Model], nodes: list[Node]) -> list[Any]:
    found: list[Any] = []
    for node in nodes:
        relation = RELATIONS[model][node.name]
        if node.plain:
            found.append(node.name)
            found += [
                f"{node.name}__{below}" if isinstance(below, str) else with_path(node.name, below)
                for below in prefetches(relation.target, node.below)
            ]
            continue
        query: Any = relation.target.objects.query()
        if node.word is not None:
            query = query.exclude(**{relation.word: node.word})
        if node.order:
            term = node.order.replace("word", relation.word)
            query = query.order_by(term, "id") if "word" in node.order else query.order_by(term)
        if node.below:
            query = query.prefetch(*prefetches(relation.target, node.below))
        if node.stop is not None:
            query = query[node.start : node.start + node.stop]
        found.append(
            Prefetch(node.name, query, to_attr=None if node.attribute == node.name else node.attribute)
        )
    return found


def with_path(name: str, below: Prefetch) -> Prefetch:
    return Prefetch(f"{name}__{below.path}", below.queryset, to_attr=below.to_attr)


def expected(rows: Rows, model: type[Model], row: Any, nodes: list[Node]) -> Any:
    """The tree as (id, {attribute: [...]})."""
    found: dict[str, Any] = {}
    for node in nodes:
        relation = RELATIONS[model][node.name]
        others = relation.walk(rows, row)
        if not node.plain:
            others = [other for other in others if getattr(other, relation.word) != node.word]
        order = "" if node.plain else node.order
        if order == "" and relation.target is Book:
            order = "-word"  # Meta.ordering
        if "id" in order:
            others.sort(key=lambda other: other.id)
        elif order:
            others.sort(key=lambda other: other.id)
            others.sort(key=lambda other, r=relation: getattr(other, r.word), reverse=order[0] == "-")
        if order == "-id":
            others.reverse()
        if not node.plain and node.stop is not None:
            others = others[node.start : node.start + node.stop]
        found[node.attribute] = [expected(rows, relation.target, other, node.below) for other in others]
    return row.id, found


def shown(model: type[Model], row: Any, nodes: list[Node]) -> Any:
    found: dict[str, Any] = {}
    for node in nodes:
        relation = RELATIONS[model][node.name]
        held = row.__dict__[node.attribute]
        others = held if relation.many else [] if held is None else [held]
        found[node.attribute] = [shown(relation.target, other, node.below) for other in others]
    return row.id, found


def loose(tree: Any, model: type[Model], nodes: list[Node]) -> Any:
    """Without the order among books of one title, which their Meta.ordering leaves open."""
    number, found = tree
    for node in nodes:
        relation = RELATIONS[model][node.name]
        found[node.attribute] = [loose(other, relation.target, node.below) for other in found[node.attribute]]
        if relation.target is Book and (node.plain or node.order == ""):
            found[node.attribute].sort(key=repr)
    return number, found


def decided(model: type[Model], nodes: list[Node]) -> bool:
    """Whether no slice depends on an order that is left open."""
    return all(
        not (RELATIONS[model][n.name].target is Book and n.stop is not None and not n.plain and n.order == "")
        and decided(RELATIONS[model][n.name].target, n.below)
        for n in nodes
    )


@pytest.mark.parametrize("seed", range(12))
async def test_trees(rows: Rows, seed: int) -> None:
    pick = random.Random(seed)
    done = 0
    while done < 8:
        model = pick.choice([Author, Book, Tag, Copy])
        nodes = grow(pick, model, 3)
        if not nodes or not decided(model, nodes):
            continue
        done += 1
        query = model.objects.order_by("id").prefetch(*prefetches(model, nodes))  # type: ignore[attr-defined]
        with db.capture_queries() as log:
            found = await query.all()
        wanted = [expected(rows, model, row, nodes) for row in rows[model]]
        got = [shown(model, row, nodes) for row in found]
        assert [loose(tree, model, nodes) for tree in got] == [loose(tree, model, nodes) for tree in wanted]
        assert len(log) <= 1 + count(nodes)


def count(nodes: list[Node]) -> int:
    return sum(1 + count(node.below) for node in nodes)
