"""Tables made of models are found to be what the models say, and what differs is named."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import servers
from generated import imported

from oxyde import create_tables, db
from oxyde.migrations import (
    check_schema,
    compute_diff,
    extract_current_schema,
    generate_models,
    inspect_database,
)

FAMILIES = ["fleet", "library", "parcels", "routes", "torture", "corners", "examples.countries.models"]


def models_of(name: str) -> list[type[Any]]:
    module = importlib.import_module(name)
    found = [value for value in vars(module).values() if isinstance(value, type)]
    return [
        cls
        for cls in found
        if cls.__module__ == name and getattr(getattr(cls, "_db_meta", None), "is_table", False)
    ]


def possible(models: list[type[Any]], database: servers.Server) -> list[type[Any]]:
    """Without those that MySQL has no words for: indexes of some of the rows."""
    if database.backend != "mysql":
        return models
    return [model for model in models if not any(index.where for index in model._db_meta.indexes)]


@pytest.mark.parametrize("family", FAMILIES)
async def test_tables_just_made_lack_nothing(empty_database: servers.Server, family: str) -> None:
    models = possible(models_of(family), empty_database)
    assert models
    async with db.connect(empty_database.url) as database:
        await create_tables(database, models=models)
        assert await check_schema(models=models) == []


@pytest.mark.parametrize("family", ["corners", "fleet", "library"])
async def test_generated_models_are_what_the_snapshot_says(
    empty_database: servers.Server, family: str, tmp_path: Path
) -> None:
    models = possible(models_of(family), empty_database)
    async with db.connect(empty_database.url) as database:
        await create_tables(database, models=models)
        snapshot = await inspect_database()
        with imported(generate_models(snapshot), tmp_path):
            assert await check_schema() == []
            # A baseline made of the snapshot leaves nothing for the next migration either.
            assert compute_diff(snapshot, extract_current_schema(empty_database.backend)) == []
