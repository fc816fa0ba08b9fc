"""Stubs and files: which modules get one, and where."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from codegen_support import SIMPLE, Made, modules

from oxyde import Field, Model
from oxyde.codegen import generate_model_stub, generate_stub_for_file, generate_stubs_for_models, write_stubs


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    yield from modules(tmp_path, monkeypatch)


def test_a_stub_stands_beside_its_module(made: Made, tmp_path: Path) -> None:
    module = made(SIMPLE)
    found = generate_stubs_for_models([module.Depot])
    assert list(found) == [tmp_path.resolve() / "made_models.pyi"]
    lines = found[tmp_path.resolve() / "made_models.pyi"].splitlines()
    assert "generated" in lines[0].lower() and "do not edit" in lines[1].lower()
    assert write_stubs(found) == list(found)
    assert (tmp_path / "made_models.pyi").read_text() == "\n".join(lines) + "\n"
    assert write_stubs(found) == []


def test_only_modules_with_tables_and_inside_the_folder(made: Made, tmp_path: Path) -> None:
    plain = made("from oxyde import Model\nclass Plain(Model):\n    a: int\n", "made_plain")
    module = made(SIMPLE, "made_inside.models")
    assert generate_stubs_for_models([plain.Plain]) == {}
    both = [plain.Plain, module.Depot]
    assert list(generate_stubs_for_models(both, within=tmp_path)) == [
        tmp_path.resolve() / "made_inside/models.pyi"
    ]
    assert generate_stubs_for_models(both, within=tmp_path / "elsewhere") == {}
    assert tmp_path.resolve() / "made_inside/models.pyi" in generate_stubs_for_models()


def test_a_file_is_imported_and_its_stub_written(tmp_path: Path, made: Made) -> None:
    package = tmp_path / "made_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "base.py").write_text("SIZE = 3\n")
    (package / "models.py").write_text(SIMPLE + "\nfrom .base import SIZE\n")
    assert generate_stub_for_file(package / "models.py") == (package / "models.pyi").resolve()
    assert "class DepotManager" in (package / "models.pyi").read_text()
    assert str(tmp_path) in sys.path  # the fixture's
    assert generate_stub_for_file(package / "base.py") is None
    assert not (package / "base.pyi").exists()
    with pytest.raises(FileNotFoundError, match=r"nothing\.py"):
        generate_stub_for_file(tmp_path / "nothing.py")


def test_what_fails_on_import_propagates(tmp_path: Path, made: Made) -> None:
    (tmp_path / "made_broken.py").write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        generate_stub_for_file(tmp_path / "made_broken.py")


def test_another_module_of_the_same_name_is_no_obstacle(tmp_path: Path, made: Made) -> None:
    made("VALUE = 1\n", "made_twice")
    other = tmp_path / "other"
    other.mkdir()
    (other / "made_twice.py").write_text(SIMPLE)
    assert generate_stub_for_file(other / "made_twice.py") == (other / "made_twice.pyi").resolve()


def test_no_table_no_model_stub() -> None:
    class Plain(Model):
        a: int

    with pytest.raises(TypeError, match=r"Plain is no table; give it a class Meta"):
        generate_model_stub(Plain)


def test_a_model_inside_a_function() -> None:
    class Inner(Model):
        id: int | None = Field(default=None, db_pk=True)
        label: str

        def shout(self, times: int = 2) -> str:
            return self.label * times

        class Meta:
            is_table = True

    text = generate_model_stub(Inner)
    assert "    label: Attr[str]\n" in text
    assert "    def shout(self, times: int = ...) -> str: ...\n" in text
    assert "def __init__(self, *, label: str, id: int | None = ...) -> None: ..." in text
    compile(text, "stub", "exec")


def test_a_model_without_a_file(made: Made) -> None:
    space: dict[str, Any] = {"__name__": "made_nowhere"}
    exec(SIMPLE, space)
    text = generate_model_stub(space["Depot"])
    assert "    label: Attr[str]\n" in text
    assert generate_stubs_for_models([space["Depot"]]) == {}
