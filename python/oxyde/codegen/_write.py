"""Stubs to disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["write_stubs"]


def write_stubs(stubs: Mapping[Path, str]) -> list[Path]:
    """Writes each text to its path, over what is there; the paths whose content changed.

    A file is replaced whole: a checker that reads it meanwhile sees the old text or the new one.
    """
    changed = []
    for path, text in stubs.items():
        data = text.encode()
        if path.is_file() and path.read_bytes() == data:
            continue
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        changed.append(path)
    return changed
