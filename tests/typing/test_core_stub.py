"""`_core.pyi` names what the compiled module offers, and the package says that it is typed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import oxyde
from oxyde import _core

PACKAGE = Path(__file__).resolve().parent.parent.parent / "python" / "oxyde"
TREE = ast.parse((PACKAGE / "_core.pyi").read_text())
CONSTANTS = (
    *("K_", "OP_", "UN_", "MATCH_", "FN_", "AGG_", "PART_", "X_", "CAT_", "LOAD_", "SINK_", "MODE_", "SET_"),
    *("DO_", "FRAME_", "LOCK_", "REL_"),
)


def stubbed(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    found: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
    return found


NAMES = stubbed(TREE.body)
CLASSES = sorted(name for name, node in NAMES.items() if isinstance(node, ast.ClassDef))


def test_every_name_of_the_module_is_in_the_stub() -> None:
    offered = {name for name in dir(_core) if not name.startswith("_")}
    constants = {name for name in offered if isinstance(getattr(_core, name), int) and name not in NAMES}
    assert {name for name in constants if not name.startswith(CONSTANTS)} == set()
    assert offered - constants - set(NAMES) == set()


def test_every_name_of_the_stub_is_in_the_module() -> None:
    assert {name for name in NAMES if not name.startswith("_") and name != "T"} - set(dir(_core)) == set()


@pytest.mark.parametrize("name", CLASSES)
def test_classes_have_the_methods_of_their_stub(name: str) -> None:
    node = NAMES[name]
    assert isinstance(node, ast.ClassDef)
    members = stubbed(node.body)
    cls = getattr(_core, name)
    methods = {member for member, part in members.items() if isinstance(part, ast.FunctionDef)}
    assert methods - set(dir(cls)) == set()
    own = {m for m in vars(cls) if not m.startswith("__")}
    assert own - set(members) == set()


def test_the_package_is_marked_as_typed() -> None:
    assert (Path(oxyde.__file__).parent / "py.typed").is_file()
