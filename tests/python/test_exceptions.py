"""The tree of exceptions, its attributes and its text."""

from __future__ import annotations

import pickle

import pytest

from oxyde import exceptions
from oxyde.exceptions import DatabaseError, OxydeError, PoolTimeoutError, UnknownAliasError

ALL = [getattr(exceptions, name) for name in exceptions.__all__]
DATABASE = [cls for cls in ALL if issubclass(cls, DatabaseError)]

PARENTS = {
    "FieldError": ["OxydeError"],
    "NotLoadedError": ["OxydeError"],
    "MigrationError": ["OxydeError", "RuntimeError"],
    "FieldLookupError": ["OxydeError"],
    "FieldLookupValueError": ["FieldLookupError"],
    "ManagerError": ["OxydeError"],
    "NotFoundError": ["ManagerError"],
    "MultipleObjectsReturned": ["ManagerError"],
    "InterfaceError": ["ManagerError", "RuntimeError"],
    "UnknownAliasError": ["InterfaceError", "KeyError"],
    "DatabaseError": ["ManagerError", "RuntimeError"],
    "DataError": ["DatabaseError"],
    "OperationalError": ["DatabaseError"],
    "ConnectionLostError": ["OperationalError"],
    "CommitUnknownError": ["ConnectionLostError"],
    "PoolTimeoutError": ["OperationalError", "TimeoutError"],
    "QueryCanceled": ["OperationalError"],
    "StatementTimeout": ["QueryCanceled", "TimeoutError"],
    "LockTimeout": ["OperationalError", "TimeoutError"],
    "TransactionTimeoutError": ["OperationalError", "TimeoutError"],
    "TransactionAbortedError": ["OperationalError"],
    "SerializationError": ["OperationalError"],
    "DeadlockError": ["OperationalError"],
    "IntegrityError": ["DatabaseError"],
    "UniqueViolationError": ["IntegrityError"],
    "ForeignKeyViolationError": ["IntegrityError"],
    "NotNullViolationError": ["IntegrityError"],
    "CheckViolationError": ["IntegrityError"],
    "InternalError": ["DatabaseError"],
    "ProgrammingError": ["DatabaseError"],
    "NotSupportedError": ["DatabaseError"],
}


def test_the_tree_is_the_contract_s() -> None:
    assert exceptions.Error is OxydeError
    assert {
        cls.__name__: [base.__name__ for base in cls.__bases__] for cls in ALL if cls is not OxydeError
    } == PARENTS


@pytest.mark.parametrize("cls", ALL)
def test_every_exception_shows_its_message_and_can_be_pickled(cls: type[OxydeError]) -> None:
    error = pickle.loads(pickle.dumps(cls("it broke")))
    assert type(error) is cls
    assert str(error) == "it broke"
    assert error.args == ("it broke",)


@pytest.mark.parametrize("cls", DATABASE)
def test_database_errors_carry_what_the_database_said(cls: type[DatabaseError]) -> None:
    bare = cls("m")
    for name in (
        "sqlstate",
        "code",
        "constraint",
        "table",
        "column",
        "detail",
        "hint",
        "sql",
        "backend",
        "alias",
    ):
        assert getattr(bare, name) is None
    error = pickle.loads(pickle.dumps(cls("it broke", code=2067, table="parcels", detail="(a) = (1)")))
    assert str(error) == "it broke [2067]"
    assert (error.code, error.table, error.detail) == (2067, "parcels", "(a) = (1)")
    assert bare.retryable is (cls.__name__ in ("SerializationError", "DeadlockError"))


def test_an_attribute_nobody_knows_is_refused() -> None:
    with pytest.raises(TypeError, match="tabel"):
        DatabaseError("m", tabel="x")


def test_messages_of_key_errors_are_not_quoted() -> None:
    assert str(UnknownAliasError("Connection 'x' is not registered")) == "Connection 'x' is not registered"


def test_pool_timeouts_tell_what_the_pool_looked_like() -> None:
    error = PoolTimeoutError("no connection", stats={"busy": 3}, last_connect_error=OSError("refused"))
    again = pickle.loads(pickle.dumps(error))
    assert again.stats == {"busy": 3}
    assert str(again.last_connect_error) == "refused"
