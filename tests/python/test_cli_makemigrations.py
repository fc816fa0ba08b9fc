"""`oxyde makemigrations`: what it finds, asks, writes and refuses; squashing and SQL without a database."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_project import CRATE, Project

EMPTY = "def upgrade(ctx):\n    pass\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.configure()
    made.models(CRATE)
    return made


def test_a_file_is_written_once_and_only_when_wanted(project: Project) -> None:
    dry = project.run("makemigrations", "--dry-run").ok()
    assert "0001_create_crate_table.py" in dry.out and "ctx.create_table(" in dry.out
    assert "create table crate" in project.run("makemigrations", "--check").exits(1).out
    assert project.files() == []
    assert "0001_create_crate_table.py" in project.run("makemigrations").ok().out
    assert project.run("makemigrations").ok().out == "No changes detected\n"
    assert project.run("makemigrations", "--check").ok().out == "No changes detected\n"
    assert project.files() == ["0001_create_crate_table.py"]


def test_unasked_a_rename_is_marked_as_a_loss(project: Project) -> None:
    project.run("makemigrations").ok()
    project.models(CRATE.replace("kg: int", "weight_kg: int"))
    done = project.run("makemigrations", "--name", "Weigh it").ok()
    lines = done.out.splitlines()
    assert "! drop column crate.kg: its values are lost" in lines
    assert "  add column crate.weight_kg" in lines
    assert "crate.weight_kg is NOT NULL without a value" in done.err
    assert "If crate.kg was renamed to crate.weight_kg: --rename crate.kg:weight_kg" in done.err
    text = project.text("0002_weigh_it")
    assert "    # ! drop column crate.kg: its values are lost\n    ctx.drop_column(" in text
    assert "# ! crate.weight_kg has no value for existing rows" in text


def test_flags_answer_what_would_be_asked(project: Project) -> None:
    project.models(
        "class State(enum.Enum):\n    NEW = 'new'\n    OLD = 'old'\n    SOLD = 'sold'\n"
        + CRATE.replace("kg: int", "kg: int\n    state: State\n    note: str | None = None")
    )
    project.run("makemigrations").ok()
    project.models(
        "class State(enum.Enum):\n    NEW = 'new'\n    GONE = 'gone'\n"
        + CRATE.replace("Crate", "Box").replace("kg: int", "weight: int\n    state: State\n    note: str")
    )
    answers = [
        *("--rename", "crate:box", "--rename", "box.kg:weight"),
        *("--rename", "state_enum.old:new", "--rename", "state_enum.sold:gone"),
        *("--default", "box.note='none'"),
    ]
    done = project.run("makemigrations", *answers, "--name", "second").ok()
    text = project.text("0002_second")
    for call in (
        'ctx.rename_table("crate", "box")',
        'ctx.rename_column("box", "kg", "weight")',
        "ctx.rename_enum_value(",
        'mapping={"old": "new"}',
        "backfill=\"'none'\"",
    ):
        assert call in text, text
    assert "drop" not in done.out and "require_manual" not in text
    assert "! alter column box.note: NOT NULL: rows where it is NULL get 'none'" in done.out
    assert "! change values of enum state_enum: new, gone: removed: 'old' becomes 'new'" in done.out
    assert project.run("makemigrations", "--check").ok().out == "No changes detected\n"


@pytest.mark.parametrize(
    "wrong",
    [
        ("--rename", "crate.kg:nothing"),
        ("--rename", "nothing:crate"),
        ("--rename", "crate.kg"),
        ("--default", "crate.nothing=0"),
        ("--default", "crate.kg"),
        ("--empty", "--merge"),
    ],
)
def test_an_answer_that_fits_nothing_is_an_error_of_usage(project: Project, wrong: tuple[str, ...]) -> None:
    done = project.run("makemigrations", *wrong).exits(2)
    assert wrong[0] in done.err
    assert project.files() == []


def test_an_enum_value_without_an_answer_is_manual(project: Project) -> None:
    enum = "class State(enum.Enum):\n    NEW = 'new'\n    OLD = 'old'\n"
    body = CRATE.replace("kg: int", "kg: int\n    state: State")
    project.models(enum + body)
    project.run("makemigrations").ok()
    project.models(enum.replace("    OLD = 'old'\n", "") + body)
    done = project.run("--no-input", "makemigrations").ok()
    assert "! change values of enum state_enum by hand: new: removed: 'old'" in done.out
    assert "ctx.require_manual(" in project.text("0002")
    sql = project.run("sqlmigrate", "2", "--dialect", "postgres", "--no-input").ok().out
    assert "-- manual migration required: enum state_enum [new, old] -> [new]" in sql


def test_indexes_of_existing_tables_in_a_second_file(project: Project) -> None:
    project.run("makemigrations").ok()
    project.models(CRATE.replace("label: str", "label: str = Field(db_index=True)\n    note: str = ''"))
    project.run("makemigrations", "--concurrent-indexes").ok()
    assert project.files()[1:] == ["0002_add_note_to_crate.py", "0003_create_crate_label_idx.py"]
    text = project.text("0003")
    assert "atomic = False" in text and 'depends_on = "0002_add_note_to_crate"' in text
    assert text.count("concurrently=True") == 2  # there and back
    sql = project.run("sqlmigrate", "3", "--dialect", "postgres").ok().out
    assert 'CREATE INDEX CONCURRENTLY "crate_label_idx"' in sql


def test_empty_files_and_stable_numbers(project: Project) -> None:
    project.run("makemigrations").ok()
    project.run("makemigrations", "--empty", "--name", "by_hand").ok()
    assert 'depends_on = "0001_create_crate_table"' in project.text("0002_by_hand")
    assert project.run("sqlmigrate", "by").exits(1).err.startswith("Error: there is no migration 'by'")
    assert "-- No operations (empty migration)" in project.run("sqlmigrate", "0002").ok().out


# --- heads ------------------------------------------------------------------------------------


def heads(project: Project, left: str, right: str) -> None:
    project.run("makemigrations").ok()
    for name, body in (("0002_left", left), ("0002_right", right)):
        head = "format = 2\ndepends_on = '0001_create_crate_table'\n"
        project.write(name, f"{head}def upgrade(ctx):\n    {body}\n")


def test_several_heads_are_joined_by_a_file(project: Project) -> None:
    heads(project, "ctx.execute('SELECT 1')", "ctx.rename_column('crate', 'kg', 'weight')")
    done = project.run("makemigrations").exits(1)
    assert "0002_left" in done.err and "0002_right" in done.err and "--merge" in done.err
    done = project.run("makemigrations", "--merge").ok()
    assert "rename column crate.kg to weight" in done.out and "raw SQL" in done.out
    assert 'depends_on = ["0002_left", "0002_right"]' in project.text("0003_merge")
    assert "Nothing to merge" in project.run("makemigrations", "--merge").ok().out


@pytest.mark.parametrize(
    ("left", "right", "shown"),
    [
        ("ctx.drop_column('crate', 'kg')", "ctx.rename_column('crate', 'kg', 'weight')", "crate.kg"),
        ("ctx.drop_table('crate')", "ctx.drop_column('crate', 'label')", "crate.label"),
        ("ctx.add_check('crate', 'c', 'kg > 0')", "ctx.add_check('crate', 'c', 'kg > 1')", "crate.c"),
    ],
)
def test_heads_that_change_the_same_thing_are_not_joined(
    project: Project, left: str, right: str, shown: str
) -> None:
    heads(project, left, right)
    done = project.run("makemigrations", "--merge").exits(1)
    assert f"both sides change table {shown}" in done.err
    assert len(project.files()) == 3


# --- older files --------------------------------------------------------------------------------

OLDER = """
def upgrade(ctx):
    ctx.create_table("crate", fields=[
        {"name": "id", "python_type": "int", "nullable": True, "primary_key": True, "unique": False},
        {"name": "label", "python_type": "str", "nullable": False, "primary_key": False, "unique": False},
        {"name": "kg", "python_type": "int", "nullable": False, "primary_key": False, "unique": False},
    ])
"""


def test_what_older_files_left_out_is_told_and_adopted_on_request(project: Project) -> None:
    project.models(CRATE + "        unique_together = [('label', 'kg')]\n")
    project.write("0001_first", OLDER)
    done = project.run("makemigrations", "--check").ok()
    assert done.out.splitlines() == [
        "No changes detected",
        "declared but never migrated: unique_together (label, kg) on crate",
    ]
    assert "0001_first describes its columns" in done.err
    assert project.run("makemigrations").ok().out == done.out
    assert "create index crate_label_kg_key" in project.run("makemigrations", "--adopt").ok().out
    assert project.run("makemigrations", "--check").ok().out == "No changes detected\n"


# --- squash -------------------------------------------------------------------------------------


def test_a_squash_makes_the_same_schema_and_changes_nothing_the_second_time(project: Project) -> None:
    project.run("makemigrations").ok()
    project.models(CRATE.replace("kg: int", "weight: int"))
    project.run("makemigrations", "--rename", "crate.kg:weight").ok()
    project.write(
        "0003_data",
        """
        format = 2
        def upgrade(ctx):
            ctx.execute("UPDATE crate SET weight = 0")
            ctx.run(fill)
        def fill(ctx): ...
        """,
    )
    assert "--yes" in project.run("migrations", "squash").exits(1).err
    assert len(project.files()) == 3
    done = project.run("migrations", "squash", "-y").ok()
    assert "0003_data" in done.err
    assert project.files() == ["0001_squashed.py"]
    text = project.text("0001_squashed")
    for line in ('    "0001_create_crate_table",', '    "0003_data",', "#     UPDATE crate SET weight = 0"):
        assert line in text.splitlines()
    assert "#     ctx.run(fill)" in text
    assert project.run("makemigrations", "--check").ok().out == "No changes detected\n"
    assert "Nothing to squash" in project.run("migrations", "squash", "--yes").ok().out
    assert project.text("0001_squashed") == text
    # The next squash stands for the first one's files as well.
    project.run("makemigrations", "--empty").ok()
    project.run("migrations", "squash", "--yes", "--name", "again").ok()
    assert project.files() == ["0001_again.py"]
    assert '    "0001_create_crate_table",' in project.text("0001_again")
    assert '    "0001_squashed",' in project.text("0001_again")


def test_files_kept_beside_the_squashed_one_do_not_count_twice(project: Project) -> None:
    project.run("makemigrations").ok()
    project.run("makemigrations", "--empty", "--name", "second").ok()
    project.run("migrations", "squash", "--keep").ok()
    assert len(project.files()) == 3
    assert project.run("makemigrations", "--check").ok().out == "No changes detected\n"
    project.models(CRATE.replace("kg: int", "kg: int | None"))
    project.run("makemigrations").ok()
    assert 'depends_on = "0001_squashed"' in project.text("0003")
    script = project.run("sqlmigrate", "--all").ok().out
    assert script.count('CREATE TABLE "crate" ') == 1
    assert "already" not in project.run("sqlmigrate", "0002_second").ok().out


# --- stubs --------------------------------------------------------------------------------------


def test_stubs_are_written_beside_the_models_and_checked(project: Project) -> None:
    stub = project.folder / "shop.pyi"
    project.run("makemigrations", "--no-stubs").ok()
    assert not stub.exists()
    assert project.run("generate-stubs", "--check").exits(1).out == "Missing: shop.pyi\n"
    assert not stub.exists()
    assert project.run("generate-stubs").ok().out == "Wrote shop.pyi\n"
    assert "class Crate(" in stub.read_text()
    assert project.run("generate-stubs", "--check").ok().out == "Stubs are up to date\n"
    project.models(CRATE.replace("kg: int", "kg: int\n    note: str | None = None"))
    assert project.run("generate-stubs", "--check").exits(1).out == "Outdated: shop.pyi\n"
    project.run("makemigrations", "--dry-run").ok()
    assert "note" not in stub.read_text()
    assert "Wrote shop.pyi" in project.run("makemigrations").ok().err
    assert "note" in stub.read_text()
    stub.unlink()
    stub.mkdir()  # where nothing can be written
    project.models(CRATE)
    assert "the stubs were not written" in project.run("makemigrations").ok().err
    assert len(project.files()) == 3


# --- SQL ----------------------------------------------------------------------------------------


def test_sql_of_every_file_in_order_with_the_authors_own(project: Project) -> None:
    project.run("makemigrations").ok()
    project.write(
        "0002_data",
        """
        format = 2
        def upgrade(ctx):
            ctx.execute("UPDATE crate SET kg = 1")
            ctx.rename_column("crate", "kg", "weight")
            ctx.execute("UPDATE crate SET weight = ?;", [2])
            ctx.run(later)
        def later(ctx): ...
        """,
    )
    out = project.run("sqlmigrate", "0002", "--dialect", "mariadb").ok().out
    assert out.splitlines() == [
        "-- 0002_data (mariadb)",
        "UPDATE crate SET kg = 1;",
        "ALTER TABLE `crate` RENAME COLUMN `kg` TO `weight`;",
        "-- parameters: [2]",
        "UPDATE crate SET weight = ?;",
        "-- Python: ctx.run(later)",
    ]
    assert "has no downgrade" in project.run("sqlmigrate", "2", "--backwards").exits(1).err
    assert 'DROP TABLE "crate";' in project.run("sqlmigrate", "1", "--backwards").ok().out
    script = project.run("sqlmigrate", "--all", "--dialect", "postgres").ok().out
    assert script.index("0001_create_crate_table") < script.index("'0002_data'")
    project.run("sqlmigrate").exits(2)
    project.run("sqlmigrate", "1", "--all").exits(2)
    assert "oracle" in project.run("sqlmigrate", "1", "--dialect", "oracle").exits(2).err
