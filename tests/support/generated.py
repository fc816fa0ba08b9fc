"""Generated models, imported for the length of a block."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oxyde.models import clear_registry
from oxyde.models.registry import register_table, registered_tables


@contextlib.contextmanager
def imported(source: str, folder: Path) -> Iterator[Any]:
    """The module of that source; only its models are registered while the block runs."""
    path = folder / "generated_models.py"
    path.write_text(source)
    module = types.ModuleType("generated_models")
    module.__file__ = str(path)
    sys.modules["generated_models"] = module
    known = registered_tables()
    clear_registry()
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)
        yield module
    finally:
        clear_registry()
        for model in known.values():
            register_table(model)
        del sys.modules["generated_models"]
