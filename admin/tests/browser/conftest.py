"""A real browser on a real host, once for each database.

`site` is a running host, `page` a page of a browser that has logged in; `guest` one that has not.
A test fails when the page logs an error, throws one, or asks another host for anything.
Screenshots lie in build/screenshots.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import servers
from panel_host import EMAIL, PASSWORD
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / "admin" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"

PATIENCE_MS = int(os.environ.get("OXYDE_TEST_PATIENCE_MS", "15000"))
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Site:
    """A host that runs: `url` of the panel with its slash, `kind` of its database."""

    url: str
    kind: str
    database: str
    cookies: list[Any] = field(default_factory=list)


@dataclass
class Watch:
    """What went wrong in a page. `expected` are patterns of messages that a test provokes."""

    origin: str
    found: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=lambda: [r"status of 401 .*api/-/session$"])

    def console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.found.append(f"{message.text} {message.location.get('url', '')}")

    def request(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.found.append(f"asked another host: {request.url}")

    def verify(self) -> None:
        left = [text for text in self.found if not any(re.search(known, text) for known in self.expected)]
        assert not left, "\n".join(left)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start_host(
    database: str, port: int, *arguments: str, script: str = "panel_host.py"
) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(HERE.parent), str(ROOT / "admin"), *sys.path])
    process = subprocess.Popen(
        [sys.executable, str(HERE / script), database, str(port), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert process.stdout is not None
    if process.stdout.readline().strip() != "ready":
        pytest.fail(f"the host did not start: exit code {process.wait(10)}", pytrace=False)
    return process


def stop_host(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate(timeout=20)


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with servers.fresh_database(request.param) as database:
        port = free_port()
        process = start_host(database.url, port)
        try:
            yield Site(f"http://127.0.0.1:{port}/host/admin/", request.param, database.url)
        finally:
            stop_host(process)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("Chromium is missing; call: scripts/admin browser", pytrace=False)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    usual: dict[str, Any] = {
        "viewport": {"width": 1280, "height": 900},
        "locale": "en-GB",
        "timezone_id": "Europe/Berlin",
        "reduced_motion": "reduce",
    }
    return browser.new_context(**{**usual, **options})


def watched(context: BrowserContext, site: Site) -> tuple[Page, Watch]:
    """A page whose troubles are noted."""
    page = context.new_page()
    watch = Watch(origin=site.url.split("/host/")[0])
    page.on("console", watch.console)
    page.on("pageerror", lambda error: watch.found.append(str(error)))
    page.on("request", watch.request)
    return page, watch


def log_in(page: Page, site: Site) -> None:
    page.goto(site.url + "login")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """A browser of its own, logged in; the login itself is done once."""
    made = new_context(browser)
    made.set_default_timeout(PATIENCE_MS)
    if site.cookies:
        made.add_cookies(site.cookies)
    else:
        first = made.new_page()
        log_in(first, site)
        first.close()
        site.cookies = list(made.cookies())
    yield made
    made.close()


@pytest.fixture
def watch() -> list[Watch]:
    """The watch over the test's page, once there is one."""
    return []


@pytest.fixture
def page(context: BrowserContext, site: Site, watch: list[Watch]) -> Iterator[Page]:
    made, noted = watched(context, site)
    watch.append(noted)
    yield made
    made.close()
    noted.verify()


@pytest.fixture
def guest(browser: Browser, site: Site, watch: list[Watch]) -> Iterator[Page]:
    """A page of somebody who has not logged in."""
    context = new_context(browser)
    context.set_default_timeout(PATIENCE_MS)
    made, noted = watched(context, site)
    watch.append(noted)
    yield made
    context.close()
    noted.verify()


def serious(page: Page) -> list[str]:
    """What axe finds wrong with a page, as lines; only serious and critical findings."""
    page.evaluate(AXE.read_text("utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    result = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
    return [
        f"{found['id']}: {found['help']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for found in result["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]


def shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
