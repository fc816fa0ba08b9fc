"""Transactions: `atomic`, and `AsyncTransaction` for those that pass it on by hand."""

from __future__ import annotations

from ..exceptions import TransactionTimeoutError
from ._atomic import AtomicTransactionContext, atomic
from ._current import get_active_transaction, on_commit
from ._transaction import AsyncTransaction

__all__ = [
    "AsyncTransaction",
    "AtomicTransactionContext",
    "TransactionTimeoutError",
    "atomic",
    "get_active_transaction",
    "on_commit",
]
