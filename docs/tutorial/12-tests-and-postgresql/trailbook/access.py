"""Who asks, and what they may do."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from trailbook.errors import Problem, forbidden
from trailbook.models import LoginToken, Member, Role, now

RANKS = {role: rank for rank, role in enumerate(Role)}
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


def digest(token: str) -> str:
    """What is stored of a token; the token itself is random enough to need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def client_address(request: Request) -> IPv4Address | IPv6Address | None:
    """The address of who asks, if it is one."""
    try:
        return ip_address(request.client.host) if request.client else None
    except ValueError:
        return None


async def issue_token(member: Member, request: Request) -> tuple[str, datetime]:
    """A new login; ends those of the member that are over."""
    token = secrets.token_urlsafe(32)
    expires = now() + timedelta(hours=request.app.state.settings.token_hours)
    await LoginToken.objects.filter(member=member, expires__lte=now()).delete()
    await LoginToken.objects.create(
        digest=digest(token), expires=expires, address=client_address(request), member=member
    )
    return token, expires


async def visitor(bearer: Bearer) -> Member | None:
    """Who asks, or None."""
    if bearer is None:
        return None
    found = await LoginToken.objects.join("member").get_or_none(
        digest=digest(bearer.credentials), expires__gt=now()
    )
    return found.member if found and found.member.active else None


async def logged_in(found: Annotated[Member | None, Depends(visitor)]) -> Member:
    """Who asks; nobody is 401."""
    if found is None:
        raise Problem(401, "unauthorized", "Log in first.")
    return found


def at_least(member: Member | None, role: Role) -> bool:
    """Whether the member's role is this one or more."""
    return member is not None and RANKS[member.role] >= RANKS[role]


def require(role: Role) -> Callable[[Member], Awaitable[Member]]:
    """A dependency: who asks has this role or more."""

    async def check(member: Annotated[Member, Depends(logged_in)]) -> Member:
        if not at_least(member, role):
            raise forbidden()
        return member

    return check


def may_change(member: Member, author_id: int, own: Role = Role.READER) -> None:
    """Refuses who is neither an editor nor the author with at least the role `own`."""
    if at_least(member, Role.EDITOR) or (member.id == author_id and at_least(member, own)):
        return
    raise forbidden()


Visitor = Annotated[Member | None, Depends(visitor)]
CurrentMember = Annotated[Member, Depends(logged_in)]
Author = Annotated[Member, Depends(require(Role.AUTHOR))]
Editor = Annotated[Member, Depends(require(Role.EDITOR))]
