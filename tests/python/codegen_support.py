"""Modules made for a test, and what their stubs say."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oxyde import Model
from oxyde.codegen import generate_stubs_for_models
from oxyde.models import registered_tables, unregister_table

Made = Callable[..., Any]
TABLE = "    class Meta:\n        is_table = True\n"


def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """Writes a module into an empty folder and imports it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    tables = set(registered_tables())

    def make(source: str, name: str = "made_models") -> Any:
        path = tmp_path / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield make
    for name in set(sys.modules) - before:
        if name.startswith(("made_", "_oxyde_stub_")):
            del sys.modules[name]
    for key, model in registered_tables().items():
        if key not in tables:
            unregister_table(model)


def stub(module: Any) -> str:
    tables = [
        value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Model)
    ]
    (text,) = generate_stubs_for_models(tables).values()
    compile(text, "stub", "exec")
    return text


SIMPLE = f"""
from oxyde import Field, Model

class Depot(Model):
    id: int | None = Field(default=None, db_pk=True)
    label: str
{TABLE}"""
