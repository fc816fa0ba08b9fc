"""A ready-made provider: accounts are rows of a model, passwords scrypt hashes, tokens random."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, ClassVar

from pydantic import BaseModel, SecretStr, create_model

from oxyde import FieldLookupValueError

from .passwords import verify_nothing, verify_password
from .providers import AdminUser, AuthProvider, AuthRequest, DefaultCredentials, bearer
from .sessions import Sessions
from .store import MemoryStore

__all__ = ["ModelAuth"]

Listed = str | Callable[[Any], "Iterable[str] | Awaitable[Iterable[str]]"] | None


class ModelAuth(AuthProvider):
    """Logs in the rows of `model`.

    `login_field` and `hash_field` name the fields with the login and the hash that `hash_password`
    made; `active_field` one that must be true. `roles` and `permissions` are names of fields or
    functions of the account. Tokens live in the panel's store, expire as its sessions do, and end
    when the password changes; the account is read again on each request.
    """

    forgets_tokens: ClassVar[bool] = True

    def __init__(
        self,
        model: type[Any],
        *,
        login_field: str = "email",
        hash_field: str = "password_hash",
        active_field: str | None = None,
        roles: Listed = None,
        permissions: Listed = None,
    ) -> None:
        self.model = model
        self.login_field = login_field
        self.hash_field = hash_field
        self.active_field = active_field
        self.roles = roles
        self.permissions = permissions
        if login_field != "email":
            self.credentials_model = _credentials(login_field)
        self._sessions: Sessions | None = None
        self._purpose = f"token {model.__module__}.{model.__qualname__}"

    def attach(self, sessions: Sessions) -> None:
        """Where the tokens live. Of several panels one whose store outlives the process wins."""
        if self._sessions is None or (sessions.store.persistent and not self._sessions.store.persistent):
            self._sessions = sessions

    async def authenticate(self, request: AuthRequest) -> AdminUser | None:
        """The account whose token the request carries, if it may still log in."""
        token = bearer(request.headers)
        found = await self._tokens.find(self._purpose, token) if token is not None else None
        if found is None:
            return None
        key, hash_mark = json.loads(found.payload)
        account = await self._one(pk=self._key(key))
        if account is None or not self._may_enter(account) or self._mark(account) != hash_mark:
            return None
        return await self._user(account)

    async def login(self, credentials: Any) -> str | None:
        """A new token. An account that does not exist takes the work of a wrong password."""
        login = getattr(credentials, self.login_field)
        password = credentials.password.get_secret_value()
        account = await self._one(**{self.login_field: login}) if _storable(login) else None
        if account is None:
            await verify_nothing(password)
            return None
        right = await verify_password(password, getattr(account, self.hash_field))
        if not right or not self._may_enter(account):
            return None
        key = self._key_text(account)
        token, _ = await self._tokens.open(
            self._purpose, json.dumps([key, self._mark(account)]), "".join(key)
        )
        return token

    async def logout(self, request: AuthRequest) -> None:
        """Ends the token."""
        token = bearer(request.headers)
        if token is not None:
            await self._tokens.end(self._purpose, token)

    @property
    def _tokens(self) -> Sessions:
        if self._sessions is None:
            self._sessions = Sessions(MemoryStore(), 3_600, 43_200)
        return self._sessions

    async def _one(self, **condition: Any) -> Any:
        """The only row like that. Two with one login are nobody: it cannot be said who logs in."""
        try:
            rows = await self.model.objects.filter(**condition).limit(2).all()
        except FieldLookupValueError:
            return None
        return rows[0] if len(rows) == 1 else None

    def _may_enter(self, account: Any) -> bool:
        return self.active_field is None or bool(getattr(account, self.active_field))

    def _key_text(self, account: Any) -> list[str]:
        return [str(getattr(account, name)) for name in self.model._db_meta.pk_fields]

    def _key(self, texts: list[str]) -> Any:
        return texts[0] if len(texts) == 1 else tuple(texts)

    def _mark(self, account: Any) -> str:
        """What changes with the password and does not tell its hash."""
        stored = str(getattr(account, self.hash_field) or "")
        return hashlib.sha256(stored.encode("utf-8", "surrogatepass")).hexdigest()

    async def _user(self, account: Any) -> AdminUser:
        return AdminUser(
            id=",".join(self._key_text(account)),
            name=str(getattr(account, self.login_field)),
            roles=await _listed(self.roles, account),
            permissions=await _listed(self.permissions, account),
        )


async def _listed(source: Listed, account: Any) -> list[str]:
    if source is None:
        return []
    value: Any = getattr(account, source) if isinstance(source, str) else source(account)
    if inspect.isawaitable(value):
        value = await value
    if value is None:
        return []
    return [_plain(value)] if isinstance(value, str) else [_plain(item) for item in value]


def _plain(item: Any) -> str:
    """The text of a role, that of its value if it is a member of an enumeration."""
    return str(getattr(item, "value", item))


def _credentials(login_field: str) -> type[BaseModel]:
    fields: dict[str, Any] = {login_field: (str, ...), "password": (SecretStr, ...)}
    return create_model(DefaultCredentials.__name__, **fields)


def _storable(text: str) -> bool:
    """Whether a column can hold the text at all; servers refuse the rest in their own ways."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)
