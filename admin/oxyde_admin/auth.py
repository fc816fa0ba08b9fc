"""Authentication: what a host gives a panel, and what it may use itself."""

from __future__ import annotations

from .security.model_auth import ModelAuth
from .security.passwords import hash_password, verify_password
from .security.providers import AdminUser, AuthProvider, AuthRequest, DefaultCredentials, has_builtin_login

__all__ = [
    "AdminUser",
    "AuthProvider",
    "AuthRequest",
    "DefaultCredentials",
    "ModelAuth",
    "has_builtin_login",
    "hash_password",
    "verify_password",
]
