"""One panel in a host application of each framework, served over real HTTP by a process of its own.

    python hosts.py FRAMEWORK PORT DATABASE_URL

The host has, in every framework: the panel at /admin, a second one with a login at /admin2, its own
route /administrator, its own 404 page, and /touched, which tells what its hooks have seen.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[2] / "tests" / "support")]

from depots import ALL, Depot, Setting, Tag  # noqa: E402

from oxyde import create_tables, db  # noqa: E402
from oxyde_admin import AdminUser, AuthProvider, AuthRequest, DefaultCredentials, ModelAdmin, action  # noqa: E402
from oxyde_admin.http.call import Call, Route  # noqa: E402
from oxyde_admin.http.message import Response  # noqa: E402
from oxyde_admin.http.reply import attachment, json_response  # noqa: E402

STREAMS = {"open": 0, "closed": 0}


class Users(AuthProvider):
    """One account."""

    async def authenticate(self, request: AuthRequest) -> AdminUser | None:
        if request.headers.get("authorization") == "Bearer secret-token":
            return AdminUser(id="1", name="Ann", roles=["chief"])
        return None

    async def login(self, credentials: Any) -> str | None:
        assert isinstance(credentials, DefaultCredentials)
        right = credentials.password.get_secret_value() == "right"
        return "secret-token" if right else None


async def chunks(number: int) -> AsyncIterator[bytes]:
    STREAMS["open"] += 1
    try:
        for index in range(number):
            yield f"{index:09}\n".encode() * 1000
            await asyncio.sleep(0)
    finally:
        STREAMS["closed"] += 1


async def stream(call: Call) -> Response:
    """As many chunks of 10 kB as `n` says."""
    return attachment(chunks(int(call.argument("n", "3") or 3)), "größe.txt", "text/plain; charset=utf-8")


async def broken_stream(call: Call) -> Response:
    async def failing() -> AsyncIterator[bytes]:
        yield b"begins well\n" * 1000
        raise LookupError("in the middle")

    return attachment(failing(), "broken.txt", "text/plain; charset=utf-8")


async def streams(call: Call) -> Response:
    return await json_response(STREAMS)


async def slow(call: Call) -> Response:
    STREAMS["open"] += 1
    try:
        await asyncio.sleep(20)
    finally:
        STREAMS["closed"] += 1
    return await json_response({})


async def echo(call: Call) -> Response:
    return await json_response(
        {
            "path": call.request.path,
            "mount": call.request.mount,
            "query": call.arguments,
            "scheme": call.request.scheme,
            "client": call.request.client,
            "cookies": call.request.cookies,
            "native": type(call.request.native).__name__,
        }
    )


async def body(call: Call) -> Response:
    return await json_response({"length": len(await call.body(5_000_000))})


async def read_json(call: Call) -> Response:
    return await json_response({"keys": sorted(await call.json())})


async def fault(call: Call) -> Response:
    raise LookupError("ours alone")


PROBES = (
    Route("GET", "/api/-/probe/stream", stream),
    Route("GET", "/api/-/probe/broken", broken_stream),
    Route("GET", "/api/-/probe/streams", streams, public=True),
    Route("GET", "/api/-/probe/slow", slow),
    Route("GET", "/api/-/probe/echo", echo),
    Route("POST", "/api/-/probe/body", body),
    Route("POST", "/api/-/probe/json", read_json),
    Route("GET", "/api/-/probe/fault", fault),
)


class DepotAdmin(ModelAdmin):
    """With an action that sends a file."""

    @action("Report", scope="model")
    async def report(self, ctx: Any, rows: Any, form: Any) -> str:
        return "reported"


def panel(kind: type[Any], prefix: str, **arguments: Any) -> Any:
    """A panel with the tables of depots.py and the probes."""
    from oxyde_admin.api import routes
    from oxyde_admin.http.router import Router

    made = kind(prefix, max_body=100_000, body_timeout=1, **arguments)
    for model in ALL:
        made.register(model, *((DepotAdmin,) if model is Depot else ()))
    made.router = Router((*routes(), *PROBES))
    return made


def build_a_front_end(folder: Path) -> None:
    """A page and an asset, as the real build leaves them, in place of the real one."""
    from oxyde_admin.http import assets

    (folder / "assets").mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text('<base href="__OXYDE_BASE__"><title>__OXYDE_TITLE__</title>')
    (folder / "assets" / "index-Ab3dEf7h.js").write_text("let panel = 1;")
    (folder / "assets" / "index-Ab3dEf7h.js.gz").write_bytes(gzip.compress(b"let panel = 1;", mtime=0))
    assets.STATIC = folder


async def start(url: str) -> None:
    await db.init(default=url)
    await create_tables(await db.get_connection(), models=list(ALL), if_not_exists=True)
    if not await Depot.objects.count():
        await Depot(name="North", city="Kiel").save()
        await Depot(name="South", city="Ulm").save()
        await Setting(name="options", value="a key like a route").save()
        await Tag(code="a/b,c\\~.ü", label="odd").save()


def fastapi(url: str) -> Any:
    from contextlib import asynccontextmanager

    from fastapi import FastAPI
    from fastapi.responses import JSONResponse

    from oxyde_admin import FastAPIAdmin

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await start(url)
        yield
        await db.close()

    host = FastAPI(lifespan=lifespan)
    host.mount("/admin2", panel(FastAPIAdmin, "", auth_provider=Users()).app)
    host.mount("/admin", panel(FastAPIAdmin, "").app)

    @host.get("/administrator")
    async def administrator() -> str:
        return "the host's"

    @host.exception_handler(404)
    async def lost(request: Any, error: Any) -> JSONResponse:
        return JSONResponse("the host's 404", 404)

    return host


def litestar(url: str) -> Any:
    from litestar import Litestar, MediaType, asgi, get
    from litestar import Response as LitestarResponse
    from litestar.exceptions import NotFoundException

    from oxyde_admin import LitestarAdmin

    @get("/administrator", media_type=MediaType.JSON, sync_to_thread=False)
    def administrator() -> str:
        return "the host's"

    @get("/administration/{number:int}", media_type=MediaType.JSON, sync_to_thread=False)
    def administration(number: int) -> str:
        return f"the host's {number}"

    def lost(request: Any, error: NotFoundException) -> LitestarResponse[str]:
        return LitestarResponse("the host's 404", status_code=404, media_type=MediaType.JSON)

    async def begin() -> None:
        await start(url)

    return Litestar(
        [
            administrator,
            administration,
            asgi("/admin2", is_mount=True, copy_scope=True)(
                panel(LitestarAdmin, "", auth_provider=Users()).app
            ),
            asgi("/admin", is_mount=True, copy_scope=False)(panel(LitestarAdmin, "").app),
        ],
        on_startup=[begin],
        on_shutdown=[db.close],
        exception_handlers={NotFoundException: lost},
    )


def sanic(url: str) -> Any:
    from sanic import Sanic
    from sanic.exceptions import NotFound
    from sanic.response import json

    from oxyde_admin import SanicAdmin

    host: Any = Sanic("trail_host")
    first, second = panel(SanicAdmin, "/admin"), panel(SanicAdmin, "/admin2", auth_provider=Users())
    host.blueprint(first.blueprint)
    host.blueprint(second.blueprint)
    first.register_exception_handlers(host)

    @host.get("/administrator")
    async def administrator(request: Any) -> Any:
        return json("the host's")

    @host.exception(NotFound)
    async def lost(request: Any, error: Any) -> Any:
        return json("the host's 404", 404)

    @host.before_server_start
    async def begin(app: Any) -> None:
        await start(url)

    @host.after_server_stop
    async def end(app: Any) -> None:
        await db.close()

    return host


def quart(url: str) -> Any:
    from quart import Quart, jsonify

    from oxyde_admin import QuartAdmin

    host = Quart("trail_host")
    panel(QuartAdmin, "/admin").init_app(host)
    panel(QuartAdmin, "/admin2", auth_provider=Users()).init_app(host)

    @host.get("/administrator")
    async def administrator() -> Any:
        return jsonify("the host's")

    @host.errorhandler(404)
    async def lost(error: Any) -> Any:
        return jsonify("the host's 404"), 404

    @host.before_serving
    async def begin() -> None:
        await start(url)

    @host.after_serving
    async def end() -> None:
        await db.close()

    return host


def falcon(url: str) -> Any:
    import falcon as framework
    import falcon.asgi

    from oxyde_admin import FalconAdmin

    class Life:
        async def process_startup(self, scope: Any, event: Any) -> None:
            await start(url)

        async def process_shutdown(self, scope: Any, event: Any) -> None:
            await db.close()

    class Administrator:
        async def on_get(self, req: Any, resp: Any) -> None:
            resp.media = "the host's"

    async def lost(req: Any, resp: Any, error: Any, params: Any, **more: Any) -> None:
        resp.status, resp.media = 404, "the host's 404"

    host = falcon.asgi.App(middleware=[Life()])
    host.add_route("/administrator", Administrator())
    host.add_error_handler(framework.HTTPNotFound, lost)
    panel(FalconAdmin, "/admin").init_app(host)
    panel(FalconAdmin, "/admin2", auth_provider=Users()).init_app(host)
    return host


HOSTS = {"fastapi": fastapi, "litestar": litestar, "sanic": sanic, "quart": quart, "falcon": falcon}


def main(framework: str, port: int, url: str, server: str) -> None:
    build_a_front_end(Path(url.partition("///")[2]).with_suffix(".static"))
    host = HOSTS[framework](url)
    if framework == "sanic":
        host.run("127.0.0.1", port, single_process=True, access_log=False, motd=False)
    elif server == "hypercorn":
        import hypercorn.asyncio
        from hypercorn.config import Config

        config = Config()
        config.bind = [f"127.0.0.1:{port}"]
        asyncio.run(hypercorn.asyncio.serve(host, config))
    else:
        import uvicorn

        uvicorn.run(host, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=2)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
