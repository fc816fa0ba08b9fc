"""`oxyde inspectdb` and `oxyde check` on every server."""

from __future__ import annotations

import json
from pathlib import Path

from cli_project import CRATE, Project
from servers import Server

SHOP = """
class Shop(Model):
    id: int | None = Field(default=None, db_pk=True)
    town: str = Field(max_length=40, db_index=True)
    size: float = Field(db_default="1.5")

    class Meta:
        is_table = True


""" + CRATE.replace("kg: int", "kg: int\n    shop: Shop").replace(
    "is_table = True", "is_table = True\n        constraints = [Check('kg > 0', name='crate_kg')]"
)


def test_an_existing_database_becomes_a_project(empty_database: Server, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    old = Project(tmp_path / "old")
    old.configure(empty_database.url, empty_database.backend)
    old.models(SHOP)
    old.run("makemigrations").ok()
    old.run("migrate").ok()
    with_history = empty_database.rows("SELECT name FROM oxyde_migrations")
    assert len(with_history) == 1
    for server_row in with_history:
        empty_database.rows(f"DELETE FROM oxyde_migrations WHERE name = '{server_row[0]}'")

    project = Project(tmp_path)
    project.configure(empty_database.url, empty_database.backend)
    shown = project.run("inspectdb", "--url", empty_database.url).ok().out
    assert "class Crate(Model):" in shown and "oxyde_migrations" not in shown
    only = project.run("inspectdb", "--table", "shop").ok().out
    assert "class Shop(Model):" in only and "Crate" not in only
    done = project.run("inspectdb", "--output", "shop.py", "--baseline").ok()
    assert done.out == "" and (tmp_path / "shop.py").read_text() == shown
    assert empty_database.rows("SELECT name FROM oxyde_migrations") == [("0001_baseline",)]
    assert project.run("makemigrations", "--check").ok().out == "No changes detected\n"
    assert project.run("migrate").ok().out == "No pending migrations\n"
    done = project.run("check").ok()
    assert done.out == "Models, files and database agree\n" and done.err == ""
    # Neither a baseline nor a file of models is ever written over something.
    assert "exists" in project.run("inspectdb", "--output", "shop.py").exits(1).err
    assert "has migrations already" in project.run("inspectdb", "--baseline").exits(1).err
    assert "nowhere" in project.run("inspectdb", "--table", "nowhere").exits(1).err
    project.run("inspectdb", "--url", "sqlite://:memory:", "--db-alias", "default").exits(2)


def test_check_says_what_is_where(empty_database: Server, tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.configure(empty_database.url, empty_database.backend)
    project.models(CRATE)
    project.run("makemigrations").ok()
    project.run("migrate").ok()
    project.run("makemigrations", "--empty", "--name", "second").ok()
    empty_database.rows("CREATE TABLE stranger (id INTEGER)")
    project.models(CRATE.replace("kg: int", "weight: int | None = None"))
    done = project.run("check").exits(1)
    assert done.out.splitlines() == [
        "The database differs from the models; this would change it:",
        "  add column crate.weight",
        "! drop column crate.kg: its values are lost",
        "The models are ahead of the files (`oxyde makemigrations`):",
        "  add column crate.weight",
        "! drop column crate.kg: its values are lost",
        "Not applied (`oxyde migrate`):",
        "  0002_second",
    ]
    assert "Tables without a model: stranger" in done.err
    found = json.loads(project.run("check", "--json").exits(1).out)
    assert found["pending"] == ["0002_second"] and found["changed"] == found["missing"] == []
    assert [each["type"] for each in found["database"]] == ["add_column", "drop_column"]
