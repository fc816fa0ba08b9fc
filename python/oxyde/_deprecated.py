"""Old names that still work."""

from __future__ import annotations

import warnings
from typing import Any

__all__ = ["deprecated_name"]


def deprecated_name(module: str, name: str) -> Any:
    """The object behind an old name, with a `DeprecationWarning`; else `AttributeError`."""
    if name == "OxydeModel":
        from .models.base import Model

        warnings.warn(
            f"{module}.OxydeModel is deprecated, use {module}.Model", DeprecationWarning, stacklevel=3
        )
        return Model
    raise AttributeError(f"module {module!r} has no attribute {name!r}")
