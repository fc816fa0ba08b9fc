"""Async ORM in which the Pydantic v2 model is the database table; the engine is C.

Names of queries and connections are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._binding import bind
from ._version import __version__

bind()

# The engine has to know the exceptions before anything else of the package runs.
from .exceptions import *  # noqa: E402, F403
from .exceptions import __all__ as _exception_names  # noqa: E402
from .models import (  # noqa: E402
    Check,
    Field,
    Index,
    Model,
    is_loaded,
    is_saved,
)
from .models._settings import configure  # noqa: E402

if TYPE_CHECKING:
    from . import db
    from .db import (
        AsyncDatabase,
        PoolSettings,
        atomic,
        create_tables,
        disconnect_all,
        drop_tables,
        get_connection,
        register_connection,
    )
    from .queries import (
        Avg,
        Case,
        Cast,
        Coalesce,
        Concat,
        Count,
        Excluded,
        Exists,
        F,
        Max,
        Min,
        OuterRef,
        Q,
        Query,
        QueryManager,
        RawSQL,
        Subquery,
        Sum,
        Value,
        When,
        col,
        execute_raw,
    )

_LAZY = {
    **dict.fromkeys(
        (
            "AsyncDatabase",
            "PoolSettings",
            "atomic",
            "create_tables",
            "disconnect_all",
            "drop_tables",
            "get_connection",
            "register_connection",
        ),
        "db",
    ),
    **dict.fromkeys(
        (
            "Avg",
            "Case",
            "Cast",
            "Coalesce",
            "Concat",
            "Count",
            "Excluded",
            "Exists",
            "F",
            "Max",
            "Min",
            "OuterRef",
            "Q",
            "Query",
            "QueryManager",
            "RawSQL",
            "Subquery",
            "Sum",
            "Value",
            "When",
            "col",
            "execute_raw",
        ),
        "queries",
    ),
}

__all__ = [  # noqa: PLE0604
    "Check",
    "Field",
    "Index",
    "Model",
    "__version__",
    "configure",
    "db",
    "is_loaded",
    "is_saved",
    *_LAZY,
    *_exception_names,
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in ("db", "queries"):
            return importlib.import_module(f".{name}", __name__)
        module = _LAZY.get(name)
        if module is None:
            from ._deprecated import deprecated_name

            return deprecated_name(__name__, name)
        value = getattr(importlib.import_module(f".{module}", __name__), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
