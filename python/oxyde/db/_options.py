"""Options of a transaction, checked when they are given."""

from __future__ import annotations

from typing import Any

from ..exceptions import InterfaceError
from .settings import seconds

__all__ = ["Options"]

_LEVELS = ("read uncommitted", "read committed", "repeatable read", "serializable")


def _level(isolation: str | None) -> str | None:
    if isolation is None:
        return None
    if not isinstance(isolation, str):
        raise TypeError(f"isolation is a str, not {type(isolation).__name__}")
    level = isolation.lower().replace("_", " ").replace("-", " ")
    if level not in _LEVELS:
        raise ValueError(f"isolation is one of {', '.join(_LEVELS)}, not {isolation!r}")
    return level


class Options:
    """The options of a transaction, checked."""

    __slots__ = (
        "deferrable",
        "isolation",
        "limits_session",
        "lock_timeout",
        "readonly",
        "statement_timeout",
        "timeout",
    )

    def __init__(
        self,
        *,
        timeout: Any = None,
        isolation: str | None = None,
        readonly: bool = False,
        deferrable: bool = False,
        statement_timeout: Any = None,
        lock_timeout: Any = None,
    ) -> None:
        self.timeout = None if timeout is None else seconds("timeout", timeout)
        self.isolation = _level(isolation)
        self.readonly = bool(readonly)
        self.deferrable = bool(deferrable)
        self.statement_timeout = (
            None if statement_timeout is None else seconds("statement_timeout", statement_timeout)
        )
        self.lock_timeout = None if lock_timeout is None else seconds("lock_timeout", lock_timeout)
        # Whether beginning and ending take more statements than BEGIN and COMMIT.
        self.limits_session = (
            self.readonly or self.statement_timeout is not None or self.lock_timeout is not None
        )
        if self.deferrable and not (self.readonly and self.isolation == "serializable"):
            raise ValueError("deferrable=True needs isolation='serializable' and readonly=True")

    def narrow(self, inner: Options) -> None:
        """Takes over the limits that a block inside sets."""
        if inner.statement_timeout is not None:
            self.statement_timeout = inner.statement_timeout
        if inner.lock_timeout is not None:
            self.lock_timeout = inner.lock_timeout
        self.limits_session = self.limits_session or inner.limits_session

    def check_nested(self, outer: Options) -> None:
        """A nested block cannot have another kind of transaction than the one it is part of."""
        if self.isolation is not None and self.isolation != outer.isolation:
            raise InterfaceError("isolation of a nested block cannot differ from the outer block's")
        if self.readonly and not outer.readonly:
            raise InterfaceError("readonly of a nested block cannot differ from the outer block's")
        if self.deferrable and not outer.deferrable:
            raise InterfaceError("deferrable of a nested block cannot differ from the outer block's")
