"""What a host implements to say who its users are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import BaseModel, SecretStr

__all__ = [
    "ANONYMOUS",
    "AdminUser",
    "AuthProvider",
    "AuthRequest",
    "DefaultCredentials",
    "bearer",
    "has_builtin_login",
]


@dataclass
class AuthRequest:
    """A request as providers and hooks see it.

    `headers` have lower-case names, `path` is that below the mount, `native` is the framework's own
    request, `client` the address. A session of the panel looks like its token in `authorization`.
    """

    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    path: str
    method: str
    native: Any = None
    client: str | None = None


@dataclass
class AdminUser:
    """Who uses the panel. `permissions` hold `"{slug}:{action}"`, either part may be `*`."""

    id: str
    name: str = ""
    is_authenticated: bool = True
    roles: list[str] = field(default_factory=list)
    permissions: list[str] = field(default_factory=list)


ANONYMOUS = "anonymous"
"""The id of whoever uses a panel without a provider."""


class DefaultCredentials(BaseModel):
    """What the login form asks for unless a provider says otherwise."""

    email: str
    password: SecretStr


class AuthProvider(ABC):
    """Tells the panel who sends a request.

    Overriding `login` switches on the panel's own login page, which asks for `credentials_model`.
    """

    credentials_model: type[BaseModel] = DefaultCredentials

    forgets_tokens: ClassVar[bool] = False
    """Whether `logout` makes the token worthless by itself. Otherwise the panel remembers that it
    ended."""

    @abstractmethod
    async def authenticate(self, request: AuthRequest) -> AdminUser | None:
        """The user of this request; None, or one with `is_authenticated=False`, is refused."""

    async def login(self, credentials: Any) -> str | None:
        """A token for these credentials, an instance of `credentials_model`; None refuses them."""
        return None

    async def logout(self, request: AuthRequest) -> None:  # noqa: B027 (to override, not to have to)
        """Told when a user logs out; `request` still carries the token."""


def has_builtin_login(provider: AuthProvider | None) -> bool:
    """Whether the provider logs users in itself, that is, overrides `login`."""
    return provider is not None and type(provider).login is not AuthProvider.login


def bearer(headers: Mapping[str, str]) -> str | None:
    """The token of `Authorization: Bearer …`."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
