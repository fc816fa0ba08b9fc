"""The way of every request through the panel: path, user, forgery, handler, errors, headers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from ..auth import AuthRequest
from ..exceptions import AdminError, InvalidParameterError
from ..security.gate import nobody
from .assets import asset
from .call import Call
from .errors import UnauthorizedError, error_response, method_error
from .headers import finish
from .message import ClientGoneError, Request, Response
from .origin import SAFE_METHODS, behind_proxies, refuse_cross_site
from .page import page
from .reading import limited
from .router import Path, read_path
from .watch import Streamed, Watch

if TYPE_CHECKING:
    from ..security.gate import Visit
    from ..site import AdminSite

__all__ = ["handle"]

MAX_ARGUMENTS = 1000
NOBODY_THERE = 499  # the status of an answer that nobody reads


async def handle(site: AdminSite, request: Request) -> Response:
    """Answers a request. Raises nothing but the cancellation of its own task."""
    request_id = secrets.token_hex(8)
    watch = Watch(request)
    api = True
    try:
        path = read_path(request.path)
        api = path.area == "api"
        response = await _answer(
            site, behind_proxies(request, site.settings.trusted_proxies), path, request_id, watch
        )
    except ClientGoneError:
        response = Response(NOBODY_THERE)
    except Exception as error:
        response = await error_response(error, request_id)
    except asyncio.CancelledError:
        await watch.stop()
        if not watch.gone:
            raise
        watch.forgive()
        response = Response(NOBODY_THERE)
    response = finish(response, request_id, head=request.method == "HEAD", api=api)
    return await _watched(response, request, watch)


async def _watched(response: Response, request: Request, watch: Watch) -> Response:
    if isinstance(response.body, bytes):
        await watch.stop()
    elif request.method == "HEAD":
        await Streamed(response.body, watch).aclose()
        response.body = _nothing()
    else:
        watch.pause()
        response.body = Streamed(response.body, watch)
    return response


async def _nothing() -> AsyncIterator[bytes]:
    """A stream without a chunk: frameworks say that an empty body is of length 0, which a GET is not."""
    return
    yield


async def _answer(site: AdminSite, request: Request, path: Path, request_id: str, watch: Watch) -> Response:
    if path.area == "api":
        return await _api(site, request, path, request_id, watch)
    response = asset(request, path.segments[1:]) if path.area == "assets" else page(site, request)
    if request.method not in ("GET", "HEAD"):
        raise method_error(["GET", "HEAD"])
    return response


async def _api(site: AdminSite, request: Request, path: Path, request_id: str, watch: Watch) -> Response:
    refuse_cross_site(request, site.settings.trusted_origins)
    seen = _as_authentication_sees_it(request, path)
    try:
        route, params = site.router.find(request.method, path.segments)
    except AdminError:
        # Without a login nobody learns which paths there are.
        await _visit(site, request, seen)
        raise
    visit = nobody(seen) if route.public else await _visit(site, request, seen)
    if not route.public and request.method not in SAFE_METHODS:
        site.gate.check_csrf(request, visit)
    call = Call(site, request, request_id, visit, watch, params, _arguments(request))
    if request.method in SAFE_METHODS:
        watch.start()
    async with limited(site, route, params):
        return await route.handler(call)


async def _visit(site: AdminSite, request: Request, seen: AuthRequest) -> Visit:
    visit = await site.gate.visit(request, seen)
    if visit is None:
        raise UnauthorizedError()
    return visit


def _as_authentication_sees_it(request: Request, path: Path) -> AuthRequest:
    headers: dict[str, str] = {}
    for name, value in request.headers:
        glue = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{glue}{value}" if name in headers else value
    return AuthRequest(
        headers=headers,
        cookies=request.cookies,
        path="/" + "/".join(path.segments),
        method=request.method,
        native=request.native,
        client=request.client,
    )


def _arguments(request: Request) -> list[tuple[str, str]]:
    try:
        return parse_qsl(request.query, keep_blank_values=True, errors="strict", max_num_fields=MAX_ARGUMENTS)
    except ValueError:  # also what is no UTF-8
        raise InvalidParameterError("The query of the address cannot be read.") from None
