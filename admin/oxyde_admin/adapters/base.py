"""The base of all adapters, also of those for frameworks that are not among ours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

from ..site import AdminSite

__all__ = ["AbstractAdapter"]


class AbstractAdapter(AdminSite, ABC):
    """A panel that a framework can serve.

    An adapter makes a `Request` of what its framework hands it, awaits `handle` and sends the
    `Response`. It adds nothing: routes, errors and headers are the same everywhere.
    """

    @cached_property
    def app(self) -> Any:
        """The application to mount or run, made when first asked for."""
        return self.build_app()

    @abstractmethod
    def build_app(self) -> Any:
        """Makes the framework's application."""
