"""`oxyde migrate` and `showmigrations` on every server, and a first project typed at a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import sys
import time
from pathlib import Path

from cli_project import CRATE, Project
from servers import Server

TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'crate'",
    "postgres": "SELECT table_name FROM information_schema.tables WHERE table_name = 'crate'",
    "mysql": "SELECT table_name FROM information_schema.tables "
    "WHERE table_schema = database() AND table_name = 'crate'",
}


def has_crate(server: Server) -> bool:
    return len(server.rows(TABLES[server.backend])) == 1


def project_on(server: Server, folder: Path) -> Project:
    made = Project(folder)
    made.configure(server.url, server.backend)
    made.models(CRATE)
    made.run("makemigrations").ok()
    return made


def test_forwards_backwards_and_what_is_shown(empty_database: Server, tmp_path: Path) -> None:
    project = project_on(empty_database, tmp_path)
    project.models(CRATE.replace("kg: int", "kg: int\n    note: str | None = None"))
    project.run("makemigrations").ok()
    shown = project.run("showmigrations").ok().out
    assert shown.splitlines() == [
        "  [ ] 0001_create_crate_table",
        "  [ ] 0002_add_note_to_crate",
        "Total: 2 migration(s)",
        "Applied: 0",
        "Pending: 2",
    ]
    plan = project.run("migrate", "--plan").ok().out
    assert "  create table crate (id, label, kg)\n" in plan and not has_crate(empty_database)
    assert project.run("migrate", "1").ok().out == "Applied 0001_create_crate_table\n"
    assert has_crate(empty_database)
    pending = project.run("sqlmigrate", "--all", "--db-alias", "default").ok().out
    assert "0002_add_note_to_crate" in pending and "0001_" not in pending
    assert project.run("migrate").ok().out == "Applied 0002_add_note_to_crate\n"
    assert project.run("migrate").ok().out == "No pending migrations\n"
    assert "  [✓] 0002_add_note_to_crate\n" in project.run("showmigrations").ok().out
    back = project.run("migrate", "--target", "0001", "--plan").ok().out
    assert "0002_add_note_to_crate (backward" in back and "! drop column crate.note" in back
    assert project.run("migrate", "0001").ok().out == "Rolled back 0002_add_note_to_crate\n"
    assert project.run("migrate", "0001").ok().out == "Nothing to do\n"
    assert project.run("migrate", "ZERO").ok().out == "Rolled back 0001_create_crate_table\n"
    assert not has_crate(empty_database)


def test_faked_changed_and_missing_files_are_shown(empty_database: Server, tmp_path: Path) -> None:
    project = project_on(empty_database, tmp_path)
    project.run("makemigrations", "--empty", "--name", "second").ok()
    assert "history only" in project.run("migrate", "--fake").ok().out
    assert not has_crate(empty_database)
    path = tmp_path / "migrations" / "0001_create_crate_table.py"
    path.write_text(path.read_text().replace('"label"', '"name"'))
    (tmp_path / "migrations" / "0002_second.py").unlink()
    lines = project.run("showmigrations").ok().out.splitlines()
    assert lines == [
        "  [✓] 0001_create_crate_table (changed since it was applied)",
        "Total: 1 migration(s)",
        "Applied: 1",
        "Pending: 0",
        "Applied, and the file is missing:",
        "  0002_second",
    ]
    first, second = json.loads(project.run("showmigrations", "--json").ok().out)
    assert (first["name"], first["applied"], first["changed"], first["missing"]) == (
        "0001_create_crate_table",
        True,
        True,
        False,
    )
    assert second["missing"] and second["applied_at"] and second["depends_on"] == []
    assert "changed since" in project.run("migrate").ok().err
    assert "changed since" in project.run("migrate", "--strict").exits(1).err
    assert "0002_second" in project.run("migrate", "zero").exits(1).err


def test_a_failure_says_what_was_done_before_it(empty_database: Server, tmp_path: Path) -> None:
    project = project_on(empty_database, tmp_path)
    project.write("0002_wrong", "format = 2\ndef upgrade(ctx):\n    ctx.execute('SELECT * FROM nowhere')\n")
    done = project.run("migrate").exits(1)
    assert done.out == "Applied 0001_create_crate_table\n"
    assert "nowhere" in done.err and "0002_wrong: statement 1 failed" in done.err
    assert has_crate(empty_database)


def test_a_squashed_history_is_recorded_without_running(empty_database: Server, tmp_path: Path) -> None:
    project = project_on(empty_database, tmp_path)
    project.run("makemigrations", "--empty", "--name", "second").ok()
    project.run("migrate").ok()
    project.run("migrations", "squash", "--yes").ok()
    assert "  [✓] 0001_squashed\n" in project.run("showmigrations").ok().out
    assert project.run("migrate").ok().out == "No pending migrations\n"
    assert empty_database.rows("SELECT name FROM oxyde_migrations") == [("0001_squashed",)]


def test_an_unknown_alias_and_target_are_explained(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.configure()
    assert "there is default" in project.run("migrate", "--db-alias", "other").exits(1).err
    assert "there is no migration 'x'" in project.run("migrate", "x").exits(1).err
    project.run("migrate", "a", "--target", "b").exits(2)


def test_a_database_that_does_not_answer_is_no_traceback(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.configure("postgresql://nobody:secret@127.0.0.1:1/none", "postgres")
    done = project.run("migrate").exits(1)
    assert "Error:" in done.err and "secret" not in done.err


# --- at a terminal ---------------------------------------------------------------------------


class Terminal:
    """A command on a pseudo-terminal: waits for a question, types an answer."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ.update(TERM="xterm", COLUMNS="200", PYTHONDONTWRITEBYTECODE="1")
            os.execv(sys.executable, [sys.executable, "-m", "oxyde", *arguments])
        self.seen = ""

    def until(self, text: str) -> None:
        """Reads until the text is there."""
        end = time.monotonic() + 60
        while text not in self.seen:
            assert self._read(end), f"{text!r} did not come:\n{self.seen}"

    def type(self, answer: str) -> None:
        self.seen = ""
        os.write(self.fd, f"{answer}\n".encode())

    def exits(self, code: int) -> str:
        """Reads to the end; everything since the last answer, without colours."""
        end = time.monotonic() + 60
        while self._read(end):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        assert os.waitstatus_to_exitcode(status) == code, self.seen
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.seen).replace("\r\n", "\n")

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self.fd], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return False
        try:
            piece = os.read(self.fd, 4096)
        except OSError:  # how Linux says that the other side is closed
            return False
        self.seen += piece.decode()
        return bool(piece)


def test_a_first_project_typed_at_a_terminal(tmp_path: Path) -> None:
    project = Project(tmp_path)
    run = Terminal(tmp_path, "init")
    for question, answer in (
        ("Modules of models [models]:", "shop"),
        ("Dialect (postgres, sqlite, mysql) [postgres]:", "sqlite"),
        ("URL of the database [sqlite:///mydb.db]:", ""),
        ("Directory of the migration files [migrations]:", ""),
    ):
        run.until(question)
        run.type(answer)
    assert "Wrote oxyde_config.py" in run.exits(0)

    project.models(CRATE)
    assert "Wrote migrations/0001_create_crate_table.py" in Terminal(tmp_path, "makemigrations").exits(0)
    applied = Terminal(tmp_path, "migrate")
    text = applied.exits(0)
    assert "Applied 0001_create_crate_table" in text
    assert "\x1b[32m" in applied.seen  # green, because somebody is looking

    project.models(CRATE.replace("kg: int", "weight: int\n    note: str"))
    run = Terminal(tmp_path, "makemigrations")
    run.until("Was crate.kg renamed to crate.weight? [y/N]:")
    run.type("y")
    run.until("crate.note is NOT NULL: SQL for its value in existing rows (empty for none):")
    run.type("'none'")
    out = run.exits(0)
    assert "  rename column crate.kg to weight" in out and "drop" not in out
    assert "Applied 0002" in Terminal(tmp_path, "migrate").exits(0)
    assert "Rolled back 0002" in Terminal(tmp_path, "migrate", "1").exits(0)

    # The same questions are not asked of a program.
    run = Terminal(tmp_path, "init")
    run.until("Overwrite it? [y/N]:")
    run.type("")
    assert "Aborted." in run.exits(0)
    assert "Aborted." in Terminal(tmp_path, "--no-input", "init").exits(0)
    project.models(CRATE.replace("kg: int", "mass: int"))
    unasked = Terminal(tmp_path, "makemigrations", "--no-input", "--dry-run").exits(0)
    assert "[y/N]" not in unasked


def test_values_of_enums_and_tables_are_asked_for(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.configure()
    enum = "class State(enum.Enum):\n    NEW = 'new'\n    OLD = 'old'\n"
    project.models(enum + CRATE.replace("kg: int", "kg: int\n    state: State"))
    project.run("makemigrations").ok()
    project.models(
        enum.replace("    OLD = 'old'\n", "")
        + CRATE.replace("Crate", "Box").replace("kg: int", "kg: int\n    state: State")
    )
    run = Terminal(tmp_path, "makemigrations")
    run.until("Was crate renamed to box? [y/N]:")
    run.type("y")
    run.until("state_enum has no 'old' any more")
    run.type("sold")
    run.until("'sold' is not one of them.")
    run.type("new")
    out = run.exits(0)
    assert "rename table crate to box" in out and "'old' becomes 'new'" in out
    assert "mapping" in project.text("0002")
