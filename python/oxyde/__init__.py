"""Async ORM in which the Pydantic v2 model is the database table; the engine is C.

Everything but the exceptions is imported when it is first used, so that `import oxyde` costs about
as much as `import pydantic`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._binding import bind
from ._version import __version__

# The engine has to know the exceptions before anything else of the package runs.
bind()

from .exceptions import (  # noqa: E402
    CheckViolationError,
    CommitUnknownError,
    ConnectionLostError,
    DatabaseError,
    DataError,
    DeadlockError,
    Error,
    FieldError,
    FieldLookupError,
    FieldLookupValueError,
    ForeignKeyViolationError,
    IntegrityError,
    InterfaceError,
    InternalError,
    LockTimeout,
    ManagerError,
    MigrationError,
    MultipleObjectsReturned,
    NotFoundError,
    NotLoadedError,
    NotNullViolationError,
    NotSupportedError,
    OperationalError,
    OxydeError,
    PoolTimeoutError,
    ProgrammingError,
    QueryCanceled,
    SerializationError,
    StatementTimeout,
    TransactionAbortedError,
    TransactionTimeoutError,
    UniqueViolationError,
    UnknownAliasError,
)

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
    from .models import (
        Check,
        Field,
        Index,
        Model,
        is_loaded,
        is_saved,
        related,
    )
    from .models._settings import configure
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
        Prefetch,
        Q,
        Query,
        QueryManager,
        RawSQL,
        Subquery,
        Sum,
        Value,
        When,
        Window,
        col,
        execute_raw,
        fetch_as,
    )

__all__ = [
    "AsyncDatabase",
    "Avg",
    "Case",
    "Cast",
    "Check",
    "CheckViolationError",
    "Coalesce",
    "CommitUnknownError",
    "Concat",
    "ConnectionLostError",
    "Count",
    "DataError",
    "DatabaseError",
    "DeadlockError",
    "Error",
    "Excluded",
    "Exists",
    "F",
    "Field",
    "FieldError",
    "FieldLookupError",
    "FieldLookupValueError",
    "ForeignKeyViolationError",
    "Index",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "LockTimeout",
    "ManagerError",
    "Max",
    "MigrationError",
    "Min",
    "Model",
    "MultipleObjectsReturned",
    "NotFoundError",
    "NotLoadedError",
    "NotNullViolationError",
    "NotSupportedError",
    "OperationalError",
    "OuterRef",
    "OxydeError",
    "PoolSettings",
    "PoolTimeoutError",
    "Prefetch",
    "ProgrammingError",
    "Q",
    "Query",
    "QueryCanceled",
    "QueryManager",
    "RawSQL",
    "SerializationError",
    "StatementTimeout",
    "Subquery",
    "Sum",
    "TransactionAbortedError",
    "TransactionTimeoutError",
    "UniqueViolationError",
    "UnknownAliasError",
    "Value",
    "When",
    "Window",
    "__version__",
    "atomic",
    "col",
    "configure",
    "create_tables",
    "db",
    "disconnect_all",
    "drop_tables",
    "execute_raw",
    "fetch_as",
    "get_connection",
    "is_loaded",
    "is_saved",
    "register_connection",
    "related",
]

_LAZY = {
    "db": (
        "AsyncDatabase",
        "PoolSettings",
        "atomic",
        "create_tables",
        "disconnect_all",
        "drop_tables",
        "get_connection",
        "register_connection",
    ),
    "queries": (
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
        "Prefetch",
        "Q",
        "Query",
        "QueryManager",
        "RawSQL",
        "Subquery",
        "Sum",
        "Value",
        "When",
        "Window",
        "col",
        "execute_raw",
        "fetch_as",
    ),
    "models": ("Check", "Field", "Index", "Model", "is_loaded", "is_saved"),
    "models._related": ("related",),
    "models._settings": ("configure",),
}
_MODULE_OF = {name: module for module, names in _LAZY.items() for name in names}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in ("db", "models", "queries"):
            return importlib.import_module(f".{name}", __name__)
        module = _MODULE_OF.get(name)
        if module is None:
            from ._deprecated import deprecated_name

            return deprecated_name(__name__, name)
        value = getattr(importlib.import_module(f".{module}", __name__), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
