"""The way in: who sends a request, and whether it was really meant.

A panel has one Gate. It knows providers, the older `auth_check`, bearer tokens and the panel's own
sessions, and gives the rest of the panel a `Visit`.
"""

from __future__ import annotations

import inspect
import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from ..exceptions import AdminError, LoginFailedError, LoginNotAvailableError
from .database import DatabaseStore
from .model_auth import ModelAuth
from .providers import ANONYMOUS, AdminUser, AuthProvider, AuthRequest, bearer, has_builtin_login
from .secrets import csrf_token, same
from .sessions import Session, Sessions
from .store import MemoryStore, Store
from .throttle import Throttle, account_of

if TYPE_CHECKING:
    from ..http.message import Request
    from ..site import AdminSite

__all__ = ["COOKIE", "Gate", "Visit", "nobody"]

COOKIE = "oxyde_admin_session"
COOKIE_PURPOSE = "session"
STORES: dict[str, type[Store]] = {"memory": MemoryStore, "database": DatabaseStore}

logger = logging.getLogger("oxyde_admin")


@dataclass(frozen=True, slots=True)
class Visit:
    """A request whose sender is known. `secret` and `session` are set if a cookie of ours says so."""

    user: AdminUser
    request: AuthRequest
    secret: str | None = None
    session: Session | None = None

    @property
    def csrf(self) -> str | None:
        """What unsafe requests of this session carry in `X-CSRF-Token`; None without a session."""
        return None if self.secret is None else csrf_token(self.secret)

    @property
    def expires(self) -> datetime | None:
        """When the session ends if nobody uses it."""
        return None if self.session is None else self.session.ends


class Gate:
    """Admits users to one panel."""

    def __init__(self, site: AdminSite) -> None:
        settings = site.settings
        self.provider = settings.auth_provider
        self.store = STORES[settings.store]()
        self.sessions = Sessions(self.store, settings.session_idle, settings.session_max)
        self.throttle = Throttle(self.store, *settings.login_limit)
        self._check = settings.auth_check if self.provider is None else None
        self._cookie_secure = settings.cookie_secure
        if isinstance(self.provider, ModelAuth):
            self.provider.attach(self.sessions)
        if self.open:
            logger.warning("The panel has no auth_provider: everybody who reaches it is admitted.")

    @property
    def open(self) -> bool:
        """Whether everybody is admitted."""
        return self.provider is None and self._check is None

    @property
    def builtin_login(self) -> bool:
        """Whether the panel has a login page of its own."""
        return has_builtin_login(self.provider)

    async def visit(self, request: Request, asked: AuthRequest) -> Visit | None:
        """Who sends the request (`asked` is how providers see it) and how that is known; None is 401."""
        if self.provider is None:
            admitted = self._check is None or await _answer(self._check(request.native))
            return nobody(asked) if admitted else None
        secret, session = await self._session(request, asked)
        if session is not None:
            asked = _with_token(asked, session.payload)
        user = await self._authenticate(asked)
        if user is None:
            return None
        return Visit(user, asked, None if session is None else secret, session)

    def check_csrf(self, request: Request, visit: Visit) -> None:
        """Refuses an unsafe request of a session that does not carry the session's token."""
        if visit.csrf is not None and not same(request.header("x-csrf-token") or "", visit.csrf):
            raise AdminError("The request lacks the session's token.", status=403, code="csrf")

    async def login(self, request: Request, credentials: Any) -> str:
        """The provider's token for credentials that are right."""
        if self.provider is None or not self.builtin_login:
            raise LoginNotAvailableError
        attempt = await self.throttle.attempt(account_of(credentials), request.client)
        try:
            token = await self.provider.login(credentials)
        except AdminError:
            raise  # a provider may refuse by raising: that is a failure like any other
        except Exception:
            await attempt.undo()
            raise
        if token is None:
            raise LoginFailedError
        await attempt.succeeded()
        return token

    async def user_of(self, asked: AuthRequest, token: str) -> AdminUser | None:
        """Whom a token stands for."""
        return await self._authenticate(_with_token(asked, token))

    async def open_session(self, request: Request, asked: AuthRequest, token: str) -> Visit | None:
        """A new session for a provider's token, in place of the one the request may carry."""
        asked = _with_token(asked, token)
        user = await self._authenticate(asked)
        if user is None:
            return None
        old = request.cookies.get(COOKIE)
        if old is not None:
            await self.sessions.end(COOKIE_PURPOSE, old)
        secret, session = await self.sessions.open(COOKIE_PURPOSE, token, user.id)
        return Visit(user, asked, secret, session)

    async def close(self, visit: Visit) -> None:
        """Ends the visit's session and token at once, in every process."""
        if self.provider is None:
            return
        if visit.secret is not None:
            await self.sessions.end(COOKIE_PURPOSE, visit.secret)
        token = bearer(visit.request.headers)
        if token is not None and not self.provider.forgets_tokens:
            await self.sessions.refuse(token)
        await self.provider.logout(visit.request)

    def cookie(self, request: Request, secret: str | None) -> str:
        """The value of `Set-Cookie` that hands a session out, or takes it away."""
        parts = [
            f"{COOKIE}={secret or ''}",
            f"Path={_cookie_path(request.mount)}",
            "HttpOnly",
            "SameSite=Strict",
        ]
        if self._cookie_secure is True or (self._cookie_secure == "auto" and request.scheme == "https"):
            parts.append("Secure")
        if secret is None:
            parts.append("Max-Age=0")
        return "; ".join(parts)

    async def _session(self, request: Request, asked: AuthRequest) -> tuple[str | None, Session | None]:
        """The session of the request's cookie. A token that the sender put there by hand goes before
        it; what a browser adds by itself, such as Basic credentials for a proxy, does not."""
        secret = request.cookies.get(COOKIE)
        if secret is None or bearer(asked.headers) is not None:
            return None, None
        return secret, await self.sessions.find(COOKIE_PURPOSE, secret)

    async def _authenticate(self, asked: AuthRequest) -> AdminUser | None:
        provider = cast(AuthProvider, self.provider)
        token = bearer(asked.headers)
        if token is not None and not provider.forgets_tokens and await self.sessions.refused(token):
            return None
        user = await provider.authenticate(asked)
        return user if user is not None and user.is_authenticated else None


async def _answer(value: Any) -> bool:
    return bool(await value if inspect.isawaitable(value) else value)


def nobody(request: AuthRequest) -> Visit:
    """The visit of somebody who need not be known."""
    return Visit(AdminUser(id=ANONYMOUS, name=ANONYMOUS, is_authenticated=False), request)


def _with_token(request: AuthRequest, token: str) -> AuthRequest:
    return replace(request, headers={**request.headers, "authorization": f"Bearer {token}"})


def _cookie_path(mount: str) -> str:
    return quote(mount or "/", safe="/%:@!$&'()*+=~-._")
