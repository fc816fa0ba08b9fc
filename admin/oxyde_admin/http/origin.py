"""Where a request comes from: through which proxies, and from which site (contract, 8.2)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from urllib.parse import urlsplit

from ..exceptions import AdminError
from .message import Request

__all__ = ["SAFE_METHODS", "behind_proxies", "forged", "refuse_cross_site"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# Segments of plain signs: a prefix becomes part of addresses and of a cookie's path.
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~%-]+)+")
_WITH_PORT = re.compile(r"\[([\w:.%]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+")
_PORTS = {"http": 80, "https": 443}


def behind_proxies(request: Request, proxies: int) -> Request:
    """The request with the address, scheme and stripped prefix that `proxies` trusted proxies report.

    Each proxy appends the address it sees, so the last `proxies` entries are theirs; what stands
    before them was sent by the client and proves nothing.
    """
    if proxies == 0:
        return request
    addresses = _entries(request, "x-forwarded-for")
    schemes = _entries(request, "x-forwarded-proto")
    client = _without_port(addresses[-min(proxies, len(addresses))]) if addresses else request.client
    scheme = schemes[-min(proxies, len(schemes))].lower() if schemes else request.scheme
    prefix = request.header("x-forwarded-prefix") or ""
    known = request.mount == prefix or request.mount.startswith(prefix + "/")
    return replace(
        request,
        client=client,
        scheme=scheme if scheme in _PORTS else request.scheme,
        mount=prefix + request.mount if _PREFIX.fullmatch(prefix) and not known else request.mount,
    )


def _without_port(address: str) -> str:
    """The address alone. Some proxies add the port, which a client changes as it likes: attempts are
    counted by address."""
    found = _WITH_PORT.fullmatch(address)
    return (found[1] or found[2]) if found else address


def _entries(request: Request, name: str) -> list[str]:
    lines = [value for key, value in request.headers if key == name]
    return [entry.strip() for line in lines for entry in line.split(",") if entry.strip()]


def forged() -> AdminError:
    """403: the request may come from somebody else's page."""
    return AdminError("The request does not come from the panel's own page.", status=403, code="csrf")


def refuse_cross_site(request: Request, trusted: Collection[str]) -> None:
    """Raises 403 if a browser says that another site's page sends this unsafe request."""
    if request.method in SAFE_METHODS:
        return
    origin = request.header("origin")
    if origin is not None and origin.lower() in trusted:
        return
    site = request.header("sec-fetch-site")
    if site is not None:
        if site.lower() not in ("same-origin", "none"):
            raise forged()
    elif origin is not None and not _is_host(origin, request.header("host")):
        raise forged()


def _is_host(origin: str, host: str | None) -> bool:
    """Whether an origin names the host. Its scheme may differ: a proxy may have ended TLS."""
    try:
        ours, theirs = urlsplit(f"//{host or ''}"), urlsplit(origin)
        default = _PORTS.get(theirs.scheme)
        return (
            default is not None
            and theirs.hostname is not None
            and theirs.hostname == ours.hostname
            and (theirs.port or default) == (ours.port or default)
        )
    except ValueError:
        return False
