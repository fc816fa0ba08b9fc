"""Runs the tour: each step shows the Python line, the SQL it sent and the typed result.

On a SQLite file of its own, or on any database: `python -m examples.countries --database URL`.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import inspect
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pycountry
from pydantic import ValidationError
from rich.console import Console
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table

from examples.countries import changing, models
from examples.countries.models import Country, Subdivision
from oxyde import Avg, Count, Max, Q, atomic, create_tables, db, drop_tables, is_loaded

console = Console(width=min(Console().width, 150) if Console().is_terminal else 140)

# Each step is executed exactly as it is printed, with these names.
NAMES: dict[str, Any] = {found.__name__: found for found in (Avg, Count, Max, Q, Country, Subdivision)}
STEPS: tuple[tuple[str, str], ...] = (
    ("One by its key", 'await Country.objects.get(code="JP")'),
    (
        "Filter, order, limit",
        'await Country.objects.filter(name__icontains="land", numeric__gte=500)'
        '.order_by("-name").limit(4).all()',
    ),
    (
        "Either, or, and not",
        'await Country.objects.filter(Q(name__startswith="Z") | Q(alpha_3="FRA")).exclude(code="ZW")'
        '.values_list("name", flat=True).all()',
    ),
    ("Count", 'await Subdivision.objects.filter(country_code__in=["DE", "FR", "JP"]).count()'),
    (
        "Across a relation, both rows in one statement",
        'await Subdivision.objects.filter(country__name__startswith="Switz", kind="Canton")'
        '.join("country").order_by("name").limit(2).all()',
    ),
    (
        "With the rows that point at them",
        'await Country.objects.filter(code__in=["MC", "SM"]).prefetch("subdivisions").all()',
    ),
    (
        "Count what belongs to each",
        'await Country.objects.annotate(n=Count("subdivisions")).order_by("-n").limit(3)'
        '.values("name", "n").all()',
    ),
    (
        "Aggregate by group",
        'await Subdivision.objects.annotate(n=Count("*")).group_by("country_code").having(n__gte=100)'
        '.order_by("-n").limit(4).values("country_code", "n").all()',
    ),
    (
        "Aggregate over all",
        'await Country.objects.aggregate(n=Count("*"), mean=Avg("numeric"), last=Max("name"))',
    ),
    (
        "Update, returning what changed",
        'await Country.objects.filter(code="TR").update(official_name="Republic of Türkiye", '
        'returning=("code", "official_name"))',
    ),
)


def countries() -> list[dict[str, Any]]:
    """Rows as the package pycountry gives them."""
    return [
        {
            "code": found.alpha_2,
            "alpha_3": found.alpha_3,
            "numeric": int(found.numeric),
            "name": found.name,
            "official_name": getattr(found, "official_name", None),
            "flag": found.flag,
        }
        for found in pycountry.countries
    ]


def subdivisions() -> list[dict[str, Any]]:
    """Rows as the package pycountry gives them."""
    return [
        {
            "code": found.code,
            "country_code": found.country_code,
            "name": found.name,
            "kind": found.type,
            "parent_code": found.parent_code,
        }
        for found in pycountry.subdivisions
    ]


def fields_of(row: Any) -> Iterator[str]:
    """Its fields as text; relations only where they are loaded, lists by their length."""
    for name, value in row:
        relation = name in row._db_meta.relation_fields
        if name == "loaded" or (relation and not is_loaded(row, name)):
            continue
        if relation:
            yield f"{name}=[{len(value)}]" if isinstance(value, list) else f"{name}={value.name!r}"
        else:
            yield f"{name}={value!r}"


def describe(value: Any) -> str:
    """A result with its type, cut to what fits a terminal."""
    if isinstance(value, list):
        lines = [f"list of {len(value)}"] + [describe(item) for item in value[:5]]
        return "\n".join(lines + (["..."] if len(value) > 5 else []))
    if hasattr(type(value), "model_fields"):
        return f"{type(value).__name__}({', '.join(fields_of(value))})"
    return f"{value!r}  ({type(value).__name__})"


async def execute(source: str) -> Any:
    """Runs one line with `await` in it."""
    code = compile(source, "<demo>", "eval", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return await eval(code, dict(NAMES))


async def load() -> tuple[int, float]:
    """Loads everything in one transaction; rows and seconds."""
    country_rows, subdivision_rows = countries(), subdivisions()
    start = time.perf_counter()
    async with atomic():
        made = await Country.objects.bulk_create(country_rows)
        parts = await Subdivision.objects.bulk_create(subdivision_rows)
    return len(made) + len(parts), time.perf_counter() - start


async def tour() -> None:
    """The queries, side by side with their SQL."""
    table = Table(show_lines=True, expand=True)
    table.add_column("Python", ratio=5, overflow="fold")
    table.add_column("SQL that was sent", ratio=4, overflow="fold")
    table.add_column("typed result", ratio=5, overflow="fold")
    for title, source in STEPS:
        with db.capture_queries() as log:
            result = await execute(source)
        sql = "\n".join(event.sql for event in log)
        table.add_row(f"[bold]{title}[/bold]\n{escape(source)}", escape(sql), escape(describe(result)))
    console.print(table)


def escape(text: str) -> str:
    """Square brackets of our text are not markup."""
    from rich.markup import escape as rich_escape

    return rich_escape(text)


async def transaction_that_rolls_back() -> None:
    """Everything in a block happens, or nothing."""
    before = await Subdivision.objects.count()
    try:
        async with atomic():
            gone = await Subdivision.objects.filter(country_code="GB").delete()
            inside = await Subdivision.objects.count()
            await Country.objects.create(code="GB", alpha_3="GBR", numeric=826, name="Again", flag="?")
    except Exception as error:
        after = await Subdivision.objects.count()
        console.print(
            Panel(
                escape(
                    f"deleted {gone} rows inside the block ({before:,} → {inside:,}), "
                    "then the insert failed:\n"
                    f"{type(error).__name__}: {error}\n"
                    f"after the block: {after:,} rows, nothing was lost"
                ),
                title="a transaction that rolls back",
            )
        )
        if after != before:
            raise AssertionError("the transaction did not roll back") from error


async def bad_rows_stay_out() -> None:
    """Validated on the way in, and on the way out."""
    messages = []
    try:
        await Country.objects.create(code="xx", alpha_3="TOOLONG", numeric=4711, name="Nowhere", flag="")
    except ValidationError as error:
        messages.append(f"on the way in:  {error.error_count()} errors, nothing was sent")
    quote = "`" if (await db.get_connection()).backend == "mysql" else '"'
    await db.execute_script(
        f"INSERT INTO country (code, alpha_3, {quote}numeric{quote}, name, flag, loaded) "
        "VALUES ('QQ', 'QQQ', 9999, 'Written by another program', '', '2026-01-01 00:00:00')"
    )
    try:
        await Country.objects.get(code="QQ")
    except ValidationError as error:
        first = error.errors()[0]
        messages.append(
            f"on the way out: {'.'.join(map(str, first['loc']))}: {first['msg']} (got {first['input']})"
        )
    await Country.objects.filter(code="QQ").delete()
    console.print(Panel(escape("\n".join(messages)), title="bad rows stay out"))


async def read_everything() -> tuple[int, float]:
    """All rows back as validated models, several times; rows and seconds."""
    rows, start = 0, time.perf_counter()
    for _ in range(20):
        rows += len(await Country.objects.all()) + len(await Subdivision.objects.all())
    return rows, time.perf_counter() - start


async def run() -> None:
    """The whole demo on the connected database."""
    source = inspect.getsource(models.Country)
    console.print(Panel(Syntax(source.rstrip(), "python"), title="the Pydantic model is the table"))
    written, write_seconds = await load()
    await tour()
    await transaction_that_rolls_back()
    await bad_rows_stay_out()
    changes = await asyncio.to_thread(changing.session)
    console.print(Panel(escape(changes), title="models change, and the database follows"))
    read, read_seconds = await read_everything()
    console.print(
        f"[bold]{written:,} rows validated and written ({written / write_seconds:,.0f} rows/s), "
        f"{read:,} rows read back as validated models ({read / read_seconds:,.0f} rows/s)[/bold]"
    )


async def main(url: str | None) -> None:
    """On a file that is gone afterwards, or in the given database, without a trace in the end."""
    if url is None:
        with tempfile.TemporaryDirectory() as folder:
            async with db.connect(f"sqlite:///{Path(folder, 'countries.db')}") as database:
                await create_tables(database)
                await run()
        return
    async with db.connect(url) as database:
        await create_tables(database)
        try:
            await run()
        finally:
            await drop_tables(database)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m examples.countries", description="The tour of oxyde.")
    parser.add_argument("--database", metavar="URL", help="where the two tables are made and dropped again")
    asyncio.run(main(parser.parse_args().database))
