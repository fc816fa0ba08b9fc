"""The arguments of a panel (contract, section 2), checked."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from .config import Preset, PrimaryColor, Surface

if TYPE_CHECKING:
    from .auth import AuthProvider

__all__ = ["Settings"]

_AT_LEAST_ONE = (
    "per_page",
    "export_chunk_size",
    "max_export_rows",
    "count_limit",
    "max_offset",
    "max_bulk_rows",
    "max_import_rows",
    "max_body",
    "max_import_bytes",
)
_POSITIVE = ("session_idle", "session_max", "body_timeout", "query_timeout")
_CHOICES: dict[str, tuple[object, ...]] = {
    "permissions": ("open", "user"),
    "store": ("memory", "database"),
    "cookie_secure": ("auto", True, False),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a panel was made with. Sizes are floored at 1; anything else unusable is a ValueError."""

    title: str = "Oxyde Admin"
    prefix: str = "/admin"
    preset: Preset | str = "Aura"
    primary_color: PrimaryColor | str = "sky"
    surface: Surface | str = "slate"
    per_page: int = 100
    export_chunk_size: int = 10_000
    max_export_rows: int = 100_000
    auth_provider: AuthProvider | None = None
    auth_check: Callable[[Any], bool | Awaitable[bool]] | None = None
    login_url: str | None = None
    permissions: Literal["open", "user"] = "open"
    audit: bool = False
    store: Literal["memory", "database"] = "memory"
    session_idle: float = 3_600
    session_max: float = 43_200
    login_limit: tuple[int, float] = (5, 300)
    cookie_secure: Literal["auto"] | bool = "auto"
    trusted_origins: Sequence[str] = ()
    trusted_proxies: int = 0
    count_limit: int = 10_000
    max_offset: int = 100_000
    max_bulk_rows: int = 10_000
    max_import_rows: int = 10_000
    max_body: int = 1024 * 1024
    max_import_bytes: int = 16 * 1024 * 1024
    body_timeout: float = 30
    query_timeout: float = 15
    locale: str = "auto"
    timezone: str = "browser"

    def __post_init__(self) -> None:
        themes = {"preset": Preset, "primary_color": PrimaryColor, "surface": Surface}
        for name, kind in themes.items():
            self._set(name, _member(name, kind, getattr(self, name)))
        for name in _AT_LEAST_ONE:
            self._set(name, max(1, int(getattr(self, name))))
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be a positive number of seconds")
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}")
        failures, seconds = self.login_limit
        if failures < 1 or seconds <= 0:
            raise ValueError("login_limit is (failures, seconds), both positive")
        if self.trusted_proxies < 0:
            raise ValueError("trusted_proxies is the number of proxies before the panel")
        if isinstance(self.trusted_origins, str):
            raise ValueError("trusted_origins is a list of origins such as 'https://example.org'")
        self._set("trusted_origins", tuple(origin.rstrip("/").lower() for origin in self.trusted_origins))
        self._set("prefix", "/" + self.prefix.strip("/") if self.prefix.strip("/") else "")
        if self.auth_check is not None:
            warnings.warn(
                "auth_check is the older hook; use auth_provider",
                DeprecationWarning,
                stacklevel=_outside_of_the_package(),
            )

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @classmethod
    def names(cls) -> list[str]:
        """The names of the arguments."""
        return [item.name for item in fields(cls)]


def _member(name: str, kind: type[Any], value: object) -> object:
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join(repr(member.value) for member in kind)
        raise ValueError(f"{name} must be one of {allowed}") from None


def _outside_of_the_package() -> int:
    """The `stacklevel`, seen from `__post_init__`, of the line that makes the panel."""
    import sys

    package = __name__.rpartition(".")[0]
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None:
        inside = frame.f_globals.get("__name__", "")
        if inside != package and not inside.startswith(package + "."):
            break
        level, frame = level + 1, frame.f_back
    return level
