"""Every exception that oxyde raises.

    OxydeError                                = Error (PEP 249)
    ├─ FieldError                             a name the model does not have
    ├─ NotLoadedError                         read of something that was not loaded
    ├─ MigrationError          +RuntimeError
    ├─ FieldLookupError                       a path or lookup that does not fit
    │  └─ FieldLookupValueError               a value that does not fit the lookup
    └─ ManagerError                           a call that makes no sense
       ├─ NotFoundError
       ├─ MultipleObjectsReturned
       ├─ InterfaceError          +RuntimeError
       │  └─ UnknownAliasError    +KeyError
       └─ DatabaseError           +RuntimeError
          ├─ DataError
          ├─ OperationalError
          │  ├─ ConnectionLostError ← CommitUnknownError
          │  ├─ PoolTimeoutError          +TimeoutError
          │  ├─ QueryCanceled ← StatementTimeout +TimeoutError
          │  ├─ LockTimeout               +TimeoutError
          │  ├─ TransactionTimeoutError   +TimeoutError
          │  ├─ TransactionAbortedError
          │  ├─ SerializationError        retryable
          │  └─ DeadlockError             retryable
          ├─ IntegrityError
          │  ├─ UniqueViolationError, ForeignKeyViolationError
          │  └─ NotNullViolationError, CheckViolationError
          ├─ InternalError
          ├─ ProgrammingError
          └─ NotSupportedError

The built-in second bases keep older `except RuntimeError`, `except KeyError`
and `except TimeoutError` clauses working. Pydantic's `ValidationError` is not
part of the tree: it passes through unchanged.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "CheckViolationError",
    "CommitUnknownError",
    "ConnectionLostError",
    "DataError",
    "DatabaseError",
    "DeadlockError",
    "Error",
    "FieldError",
    "FieldLookupError",
    "FieldLookupValueError",
    "ForeignKeyViolationError",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "LockTimeout",
    "ManagerError",
    "MigrationError",
    "MultipleObjectsReturned",
    "NotFoundError",
    "NotLoadedError",
    "NotNullViolationError",
    "NotSupportedError",
    "OperationalError",
    "OxydeError",
    "PoolTimeoutError",
    "ProgrammingError",
    "QueryCanceled",
    "SerializationError",
    "StatementTimeout",
    "TransactionAbortedError",
    "TransactionTimeoutError",
    "UniqueViolationError",
    "UnknownAliasError",
]


class OxydeError(Exception):
    """Base of everything that oxyde raises."""


Error = OxydeError
"""The name that PEP 249 gives the base class."""


class FieldError(OxydeError):
    """A field name that the model does not have, or that cannot be used here."""


class NotLoadedError(OxydeError):
    """A relation or field was read that no query loaded.

    Not an `AttributeError`, so that `getattr(obj, name, default)` does not hide it.
    """


class MigrationError(OxydeError, RuntimeError):
    """A migration cannot be made or applied."""


class FieldLookupError(OxydeError):
    """A path or lookup that does not exist or does not fit the field."""


class FieldLookupValueError(FieldLookupError):
    """A value that cannot be compared with the field."""


class ManagerError(OxydeError):
    """A call that cannot be carried out as it was made; base of all run-time errors."""


class NotFoundError(ManagerError):
    """No row where one was required."""


class MultipleObjectsReturned(ManagerError):
    """Several rows where at most one was expected."""


class InterfaceError(ManagerError, RuntimeError):
    """Wrong use of a connection, pool or transaction."""


class UnknownAliasError(InterfaceError, KeyError):
    """No database is registered under this name."""

    # KeyError would show the repr of the message.
    __str__ = Exception.__str__


class DatabaseError(ManagerError, RuntimeError):
    """What a database, its driver or the pool reported.

    `str()` is the primary message followed by the code in brackets. It never holds
    row values; `detail` may.
    """

    sqlstate: str | None = None
    code: str | int | None = None
    constraint: str | None = None
    table: str | None = None
    column: str | None = None
    detail: str | None = None
    hint: str | None = None
    sql: str | None = None
    backend: str | None = None
    alias: str | None = None
    retryable: bool = False

    def __init__(self, message: str = "", /, **attributes: Any) -> None:
        """Takes the message and, by keyword, any attribute of the class."""
        super().__init__(message)
        # OSError, a base of the time-outs, wants its arguments set here as well.
        self.args = (message,)
        for name, value in attributes.items():
            if name.startswith("_") or not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no attribute {name!r}")
            setattr(self, name, value)

    def __str__(self) -> str:
        message = str(self.args[0]) if self.args else ""
        return message if self.code is None else f"{message} [{self.code}]"


class DataError(DatabaseError):
    """A value that the column cannot hold, or a cell that cannot be decoded."""


class OperationalError(DatabaseError):
    """The database cannot do it now: connection, resources, configuration."""


class ConnectionLostError(OperationalError):
    """The connection broke while a statement was on its way."""


class CommitUnknownError(ConnectionLostError):
    """The connection broke during COMMIT: nobody knows whether it took effect."""


class PoolTimeoutError(OperationalError, TimeoutError):
    """No connection became free in time."""

    stats: Any = None
    last_connect_error: BaseException | None = None


class QueryCanceled(OperationalError):
    """The statement was stopped on request."""


class StatementTimeout(QueryCanceled, TimeoutError):
    """The statement ran longer than it may."""


class LockTimeout(OperationalError, TimeoutError):
    """A lock was not granted in time."""


class TransactionTimeoutError(OperationalError, TimeoutError):
    """The transaction ran longer than it may."""


class TransactionAbortedError(OperationalError):
    """An earlier error ended the transaction; only a rollback is possible."""


class SerializationError(OperationalError):
    """Two transactions got in each other's way; running the block again may help."""

    retryable = True


class DeadlockError(OperationalError):
    """Two transactions waited for each other; running the block again may help."""

    retryable = True


class IntegrityError(DatabaseError):
    """The row breaks a constraint."""


class UniqueViolationError(IntegrityError):
    """Another row has this key or unique value."""


class ForeignKeyViolationError(IntegrityError):
    """The referenced row is missing, or a row is still referenced."""


class NotNullViolationError(IntegrityError):
    """NULL in a column that does not take it."""


class CheckViolationError(IntegrityError):
    """A check constraint refused the row."""


class InternalError(DatabaseError):
    """The database found itself in a state that should not be."""


class ProgrammingError(DatabaseError):
    """The statement is wrong: syntax, unknown table or column."""


class NotSupportedError(DatabaseError):
    """The database, its version or this build cannot do this."""
