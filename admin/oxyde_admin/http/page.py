"""The page: index.html of the front end with what only the server knows filled in.

The build leaves three words in it: `__OXYDE_BASE__` (the mount with a slash at its end, for
`<base href>`), `__OXYDE_NONCE__` (for the styles that the front end makes) and `__OXYDE_TITLE__`.
"""

from __future__ import annotations

import secrets
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..exceptions import AdminError
from . import assets
from .message import Request, Response

if TYPE_CHECKING:
    from ..site import AdminSite

__all__ = ["page"]


def page(site: AdminSite, request: Request, folder: Path | None = None) -> Response:
    """The page, the same under every path; 404 if the front end was not built."""
    template = _template(folder or assets.STATIC)
    if template is None:
        raise AdminError("Frontend not built", status=404, code="unknown_path")
    nonce = secrets.token_urlsafe(16)
    values = {
        "__OXYDE_BASE__": request.mount + "/",
        "__OXYDE_NONCE__": nonce,
        "__OXYDE_TITLE__": site.settings.title,
    }
    for word, value in values.items():
        template = template.replace(word, escape(value))
    return Response(
        200,
        [
            ("content-type", "text/html; charset=utf-8"),
            ("content-security-policy", _policy(nonce, site.settings.login_url)),
            ("cache-control", "no-store"),
        ],
        template.encode("utf-8"),
    )


@lru_cache(maxsize=8)
def _template(folder: Path) -> str | None:
    path = folder / "index.html"
    return path.read_text("utf-8") if path.is_file() else None


def _policy(nonce: str, login_url: str | None) -> str:
    rules = [
        "default-src 'self'",
        "script-src 'self'",
        f"style-src 'self' 'nonce-{nonce}'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
    login = urlsplit(login_url or "")
    if login.netloc:
        scheme = f"{login.scheme}://" if login.scheme else ""
        rules.append(f"connect-src 'self' {scheme}{login.netloc.rpartition('@')[2]}")
    return "; ".join(rules)
