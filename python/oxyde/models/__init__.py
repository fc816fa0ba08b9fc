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
    "RelatedManager",
    "clear_registry",
    "is_loaded",
    "is_saved",
    "iter_tables",
    "register_table",
    "registered_tables",
    "related",
    "unregister_table",
]

if TYPE_CHECKING:
    from ._related import RelatedManager, related

    OxydeModel = Model
else:

    def __getattr__(name: str) -> Any:
        if name in ("RelatedManager", "related"):
            from . import _related  # needs queries, which nothing else here does

            globals().update(RelatedManager=_related.RelatedManager, related=_related.related)
            return globals()[name]
        from .._deprecated import deprecated_name

        return deprecated_name(__name__, name)
