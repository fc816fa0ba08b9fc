"""Models: declaring tables, and what instances know of their rows."""

from typing import TYPE_CHECKING, Any

from ._instance import is_loaded, is_saved
from .base import Model
from .decorators import Check, Index
from .field import Field, OxydeFieldInfo
from .registry import (
    clear_registry,
    iter_tables,
    register_table,
    registered_tables,
    unregister_table,
)

__all__ = [
    "Check",
    "Field",
    "Index",
    "Model",
    "OxydeFieldInfo",
    "clear_registry",
    "is_loaded",
    "is_saved",
    "iter_tables",
    "register_table",
    "registered_tables",
    "unregister_table",
]

if TYPE_CHECKING:
    OxydeModel = Model
else:

    def __getattr__(name: str) -> Any:
        from .._deprecated import deprecated_name

        return deprecated_name(__name__, name)
