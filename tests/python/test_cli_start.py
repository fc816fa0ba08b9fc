"""The command itself: help, version, configuration, and models that do not import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli_project import CRATE, Project

from oxyde.migrations.config import OxydeConfig, generate_config_file, import_models, load_config, save_config
from oxyde.migrations.errors import MigrationError, SchemaError
from oxyde.migrations.utils import detect_dialect


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_alone_it_prints_its_help_and_fails(project: Project) -> None:
    done = project.run().exits(2)
    assert "makemigrations" in done.out and "Usage: oxyde" in done.out
    assert "makemigrations" in project.run("--help").ok().out
    assert project.run("--version").ok().out.startswith("oxyde ")
    project.run("nonsense").exits(2)


def test_the_installed_command_is_the_same_application() -> None:
    pyproject = (Path(__file__).resolve().parent.parent.parent / "pyproject.toml").read_text()
    assert '[project.scripts]\noxyde = "oxyde.cli:app"' in pyproject
    command = Path(sys.executable).with_name("oxyde")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert (
        done.stdout
        == subprocess.run(
            [sys.executable, "-m", "oxyde", "--version"], capture_output=True, text=True, check=True
        ).stdout
    )


def test_help_loads_no_driver_no_models_and_no_rich(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom oxyde.cli import app\n"
        "try:\n    app(['--help'], standalone_mode=False)\nexcept SystemExit:\n    pass\n"
        "heavy = ('rich', 'oxyde.db', 'oxyde.models', 'oxyde.queries', 'oxyde.migrations', 'asyncio')\n"
        "print(sorted(set(sys.modules).intersection(heavy)), file=sys.stderr)\n"
        "maps = open('/proc/self/maps').read()\n"
        "print([name for name in ('libpq', 'libmariadb') if name in maps], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage" in done.stdout
    assert done.stderr == "[]\n[]\n"


# --- configuration ------------------------------------------------------------------------


def test_a_command_without_a_configuration_says_how_to_make_one(project: Project) -> None:
    done = project.run("makemigrations").exits(1)
    assert "oxyde init" in done.err and "oxyde_config.py" in done.err and not done.out


def test_init_writes_what_it_was_told(project: Project) -> None:
    project.run("init", "--models", "a, b.c d", "--dialect", "mariadb", "--dir", "m", "--no-input").ok()
    config = load_config(project.folder / "oxyde_config.py")
    assert config == OxydeConfig(
        models=["a", "b.c", "d"],
        dialect="mysql",
        migrations_dir=str(project.folder / "m"),
        databases={"default": "mysql://localhost/mydb"},
    )


def test_init_never_overwrites_without_being_told(project: Project) -> None:
    project.configure()
    before = (project.folder / "oxyde_config.py").read_text()
    done = project.run("init", "--models", "other").ok()
    assert "Aborted." in done.out and "DATABASES" in done.err
    assert (project.folder / "oxyde_config.py").read_text() == before
    project.run("init", "--models", "other", "--yes").ok()
    assert 'MODELS = ["other"]' in (project.folder / "oxyde_config.py").read_text()


def test_init_refuses_other_dialects(project: Project) -> None:
    assert "oracle" in project.run("init", "--dialect", "oracle", "--no-input").exits(2).err
    assert not (project.folder / "oxyde_config.py").exists()


def test_usual_values_of_a_configuration(tmp_path: Path) -> None:
    assert load_config(tmp_path / "oxyde_config.py") is None
    (tmp_path / "oxyde_config.py").write_text("")
    found = load_config(tmp_path / "oxyde_config.py")
    assert found is not None
    assert (found.models, found.dialect, found.databases) == ([], "postgres", {})
    assert found.migrations_dir == str(tmp_path / "migrations")
    text = generate_config_file(["a"])
    assert 'DATABASES = {"default": "postgresql://localhost/mydb"}' in text
    path = save_config(["a"], databases={"x": "sqlite://:memory:"}, path=tmp_path / "other.py")
    assert load_config(path) == OxydeConfig(
        ["a"], "postgres", str(tmp_path / "migrations"), {"x": "sqlite://:memory:"}
    )


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("MODELS = 'shop'", MigrationError),
        ("DIALECT = 'oracle'", SchemaError),
        ("DATABASES = 'sqlite://'", MigrationError),
        ("MIGRATIONS_DIR = 5", MigrationError),
        ("DATABASE_MODELS = {}", MigrationError),
        ("raise KeyError('own')", KeyError),
    ],
)
def test_a_wrong_configuration_is_an_error_not_none(
    tmp_path: Path, text: str, error: type[Exception]
) -> None:
    (tmp_path / "oxyde_config.py").write_text(text)
    with pytest.raises(error):
        load_config(tmp_path / "oxyde_config.py")


def test_config_named_from_elsewhere_replaces_the_current_directory(project: Project) -> None:
    project.configure()
    project.models(CRATE)
    elsewhere = project.folder / "elsewhere"
    elsewhere.mkdir()
    config = str(project.folder / "oxyde_config.py")
    project.run("--config", config, "makemigrations", folder=elsewhere).ok()
    assert project.files() == ["0001_create_crate_table.py"] and not list(elsewhere.iterdir())
    done = project.run("makemigrations", folder=elsewhere, OXYDE_CONFIG=config).ok()
    assert "No changes detected" in done.out


@pytest.mark.parametrize(
    ("url", "dialect"),
    [
        ("sqlite:///x.db", "sqlite"),
        ("postgresql://h/d", "postgres"),
        ("postgres://h/d", "postgres"),
        ("MySQL://h/d", "mysql"),
        ("mariadb://h/d", "mysql"),
        ("host=h dbname=d", "postgres"),
    ],
)
def test_dialect_of_a_url(url: str, dialect: str) -> None:
    assert detect_dialect(url) == dialect


# --- models ------------------------------------------------------------------------------------


def test_empty_models_is_explained(project: Project) -> None:
    (project.folder / "oxyde_config.py").write_text("MODELS = []\n")
    assert "MODELS is empty" in project.run("makemigrations").exits(1).err


@pytest.mark.parametrize(
    "broken",
    [
        "import missing_module\n",
        "1 / 0\n",
        "raise SystemExit(0)\n",
        "def broken(:\n",
    ],
)
def test_a_models_module_that_fails_drops_nothing(project: Project, broken: str) -> None:
    project.configure()
    project.models(CRATE)
    project.run("makemigrations").ok()
    before = project.files()
    project.models(CRATE, imports=broken)
    for arguments in (("makemigrations",), ("makemigrations", "--check"), ("makemigrations", "--dry-run")):
        done = project.run(*arguments)
        assert done.code == 1
        assert "Traceback" in done.err and "could not be imported" in done.err
        assert "drop" not in done.out
    assert project.files() == before


def test_a_missing_module_among_several_drops_nothing(project: Project) -> None:
    (project.folder / "oxyde_config.py").write_text("MODELS = ['shop', 'gone']\nDIALECT = 'sqlite'\n")
    project.models(CRATE)
    done = project.run("makemigrations")
    assert done.code == 1 and "gone" in done.err and not project.files()


def test_all_modules_of_a_package_are_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("__init__", "one", "__main__", "deep/__init__", "deep/two"):
        path = tmp_path / "cli_package" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("raise AssertionError\n" if name == "__main__" else "")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert import_models(["cli_package.*"]) == 4
    assert {"cli_package.one", "cli_package.deep.two"} <= sys.modules.keys()
    (tmp_path / "cli_package" / "deep" / "three.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(ModuleNotFoundError, match="nothing_of_that_name"):
        import_models(["cli_package.*"])
    with pytest.raises(ModuleNotFoundError, match="not a package"):
        import_models(["cli_package.one.*"])
