"""Connections and transactions: `await db.init(default="sqlite:///shop.db")`."""

from . import transaction
from .connection import Connection
from .lifecycle import close, connect, health, init, lifespan
from .observe import QueryEvent, add_query_hook, capture_queries, remove_query_hook
from .pool import AsyncDatabase, PoolSettings, PoolStats
from .raw import execute_script
from .registry import disconnect_all, get_connection, register_connection, unregister_connection
from .repeats import StatementCount, detect_repeats, statement_counts
from .router import set_router
from .schema import create_tables, drop_tables
from .transaction import (
    AsyncTransaction,
    TransactionTimeoutError,
    atomic,
    get_active_transaction,
    on_commit,
)

__all__ = [
    "AsyncDatabase",
    "AsyncTransaction",
    "Connection",
    "PoolSettings",
    "PoolStats",
    "QueryEvent",
    "StatementCount",
    "TransactionTimeoutError",
    "add_query_hook",
    "atomic",
    "capture_queries",
    "close",
    "connect",
    "create_tables",
    "detect_repeats",
    "disconnect_all",
    "drop_tables",
    "execute_script",
    "get_active_transaction",
    "get_connection",
    "health",
    "init",
    "lifespan",
    "on_commit",
    "register_connection",
    "remove_query_hook",
    "set_router",
    "statement_counts",
    "transaction",
    "unregister_connection",
]
