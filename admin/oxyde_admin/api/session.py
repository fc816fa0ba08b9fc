"""Logging in and out: tokens for API clients, sessions with a cookie for the front end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ..audit import log
from ..exceptions import InvalidDataError, LoginFailedError, LoginNotAvailableError, RateLimitedError
from ..http.call import Call, Route
from ..http.errors import UnauthorizedError
from ..http.reply import json_response, no_content
from ..problems import entries_of
from ..security.providers import bearer
from ..security.throttle import account_of
from ..values.encode import encode_plain

if TYPE_CHECKING:
    from ..http.message import Response
    from ..security.gate import Visit

__all__ = ["ROUTES"]


async def login(call: Call) -> Response:
    """A token for credentials; no cookie."""
    token, account = await _token(call, await call.json())
    await log.of_login(call, "login", await call.site.gate.user_of(call.auth_request, token), account)
    return await json_response({"token": token})


async def open_session(call: Call) -> Response:
    """A session for credentials, or for the token that the request carries."""
    gate = call.site.gate
    content = await call.json()
    token, account = bearer(call.auth_request.headers), ""
    if gate.provider is None:
        raise LoginNotAvailableError
    if content or token is None:
        token, account = await _token(call, content)
    visit = await gate.open_session(call.request, call.auth_request, token)
    if visit is None:
        raise UnauthorizedError
    await log.of_login(call, "login", visit.user, account)
    response = await _answer(visit)
    return response.with_headers({"set-cookie": gate.cookie(call.request, visit.secret)})


async def show_session(call: Call) -> Response:
    """Who is logged in."""
    return await _answer(call.visit)


async def close_session(call: Call) -> Response:
    """Ends the session or token of the request, everywhere and at once."""
    await call.site.gate.close(call.visit)
    await log.of_login(call, "logout", call.user)
    return no_content().with_headers({"set-cookie": call.site.gate.cookie(call.request, None)})


async def _token(call: Call, content: dict[str, Any]) -> tuple[str, str]:
    """The provider's token for what was sent, and who that said it was."""
    gate = call.site.gate
    if gate.provider is None or not gate.builtin_login:
        raise LoginNotAvailableError
    try:
        credentials = gate.provider.credentials_model.model_validate_json(json.dumps(content, default=str))
    except ValidationError as error:
        raise InvalidDataError(errors=entries_of(error)) from None
    account = account_of(credentials)
    try:
        return await gate.login(call.request, credentials), account
    except (LoginFailedError, RateLimitedError):
        await log.of_login(call, "login_failed", None, account)
        raise


async def _answer(visit: Visit) -> Response:
    user = visit.user
    return await json_response(
        {
            "user": {"id": user.id, "name": user.name, "roles": list(user.roles)},
            "csrf": visit.csrf,
            "expires": encode_plain(visit.expires),
        }
    )


ROUTES = (
    Route("POST", "/api/login", login, public=True),
    Route("POST", "/api/-/session", open_session, public=True),
    Route("GET", "/api/-/session", show_session),
    Route("DELETE", "/api/-/session", close_session),
)
