"""A database is read back as it was made: nothing differs from the models that made it."""

from __future__ import annotations

import contextlib

import pytest
import servers
from hypothesis import HealthCheck, Phase, given, settings
from schemas import Dict, any_snapshot

from oxyde import db
from oxyde.migrations import compute_diff, inspect_database, render_operations
from oxyde.migrations.live import check as check_module
from oxyde.migrations.live.check import check_schema
from oxyde.migrations.state import SchemaState


def runnable(shape: Dict, backend: str) -> Dict:
    """The same schema without what no server takes."""
    for each in shape["tables"].values():
        numbers = {f["name"] for f in each["fields"] if f["column_type"]["kind"] == "big_integer"}
        each["foreign_keys"] = [fk for fk in each["foreign_keys"] if set(fk["columns"]) <= numbers]
        plain = {f["name"] for f in each["fields"] if f["column_type"]["kind"] != "json"}
        # MariaDB keeps a numbered key out of unique indexes.
        plain -= {"id"} if backend == "mysql" else set()
        each["indexes"] = [index for index in each["indexes"] if set(index["fields"]) <= plain]
        for f in each["fields"]:
            f["unique"] = f.get("unique", False) and f["name"] in plain and not f.get("primary_key")
    return SchemaState.from_snapshot(shape).to_snapshot()


def make(database: servers.Server, statements: list[str]) -> None:
    servers.drop_everything(database)
    with contextlib.closing(servers.Admin(database)) as admin:
        for sql in statements:
            admin.rows(sql.replace("%", "%%") if database.backend != "sqlite" else sql)


repeatable = settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@repeatable
@given(any_snapshot())
async def test_any_schema_is_found_as_it_was_made(fresh_database: servers.Server, shape: Dict) -> None:
    shape = runnable(shape, fresh_database.backend)
    make(fresh_database, render_operations(compute_diff({}, shape), fresh_database.name))
    assert await lacking(fresh_database, shape) == []


@repeatable
@given(any_snapshot(), any_snapshot())
async def test_what_is_lacking_leads_there(fresh_database: servers.Server, old: Dict, new: Dict) -> None:
    dialect = fresh_database.backend
    old, new = (changeable(runnable(shape, dialect), dialect) for shape in (old, new))
    make(fresh_database, render_operations(compute_diff({}, old), fresh_database.name))
    async with db.connect(fresh_database.url):
        state = await inspect_database()
    statements = render_operations(await lacking(fresh_database, new), fresh_database.name, state=state)
    with contextlib.closing(servers.Admin(fresh_database)) as admin:
        for sql in statements:
            admin.rows(sql.replace("%", "%%") if dialect != "sqlite" else sql)
    assert await lacking(fresh_database, new) == []


async def lacking(database: servers.Server, shape: Dict) -> list[Dict]:
    """What `check_schema` says if the models describe that snapshot."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check_module, "extract_current_schema", lambda dialect, models: shape)
        async with db.connect(database.url):
            return await check_schema()


def changeable(shape: Dict, backend: str) -> Dict:
    """The same schema without what statements alone cannot change on MySQL: it drops checks that name
    no column along with any column, and only the executor looks up the names of its indexes.
    """
    for each in shape["tables"].values() if backend == "mysql" else ():
        each["foreign_keys"] = each["checks"] = []
        for field in each["fields"]:
            field["unique"] = False
    return shape
