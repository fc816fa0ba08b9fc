"""Register, log in, log out, me."""

from __future__ import annotations

from fastapi import APIRouter, Request

from oxyde_admin.auth import hash_password, verify_password
from trailbook.access import Bearer, CurrentMember, digest, issue_token
from trailbook.errors import Problem, documented
from trailbook.limits import LoginLimit
from trailbook.models import LoginToken, Member
from trailbook.schemas import Credentials, Login, MemberPrivate, Registration

router = APIRouter(prefix="/accounts", tags=["accounts"])


@router.post("/register", status_code=201, responses=documented(409))
async def register(given: Registration) -> MemberPrivate:
    """A new member, a reader at first."""
    hashed = await hash_password(given.password.get_secret_value())
    member = await Member.objects.create(handle=given.handle, email=given.email.lower(), password_hash=hashed)
    return MemberPrivate.model_validate(member, from_attributes=True)


@router.post("/login", responses=documented(401, 429))
async def log_in(given: Credentials, request: Request) -> Login:
    """A token for `Authorization: Bearer`."""
    limit: LoginLimit = request.app.state.login_limit
    account, address = given.email.lower(), request.client.host if request.client else ""
    if not limit.admit(account, address):
        raise Problem(429, "rate_limited", "Too many attempts; wait a while.")
    member = await Member.objects.get_or_none(email=account)
    # Without an account as much is computed as with one, so that the time tells nothing.
    stored = member.password_hash if member else None
    right = await verify_password(given.password.get_secret_value(), stored)
    if member is None or not right or not member.active:
        raise Problem(401, "unauthorized", "This address or password is wrong.")
    limit.forget(account, address)
    token, expires = await issue_token(member, request)
    return Login(token=token, expires=expires)


@router.post("/logout", status_code=204, responses=documented(401))
async def log_out(member: CurrentMember, bearer: Bearer) -> None:
    """Ends this login."""
    if bearer is not None:
        await LoginToken.objects.filter(digest=digest(bearer.credentials), member=member).delete()


@router.get("/me", responses=documented(401))
async def me(member: CurrentMember) -> MemberPrivate:
    """Who is logged in."""
    return MemberPrivate.model_validate(member, from_attributes=True)
