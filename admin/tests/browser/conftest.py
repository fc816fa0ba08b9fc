"""A real browser on a real host, once for each database.

`site` is a running host, `page` a page of a browser that has logged in; `guest` one that has not.
A test fails when the page logs an error, throws one, or asks another host for anything.
Screenshots lie in build/screenshots.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import browsing
import pytest
import servers
from browsing import Watch, new_context, serious, settle, shoot
from panel_host import EMAIL, PASSWORD
from playwright.sync_api import Browser, BrowserContext, Page, expect

__all__ = ["Watch", "new_context", "serious", "settle", "shoot"]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]


@dataclass
class Site:
    """A host that runs: `url` of the panel with its slash, `kind` of its database."""

    url: str
    kind: str
    database: str
    cookies: list[Any] = field(default_factory=list)


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
    with browsing.started_browser() as started:
        yield started


def watched(context: BrowserContext, site: Site) -> tuple[Page, Watch]:
    """A page whose troubles are noted."""
    return browsing.watched(context, site.url)


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
    made, noted = watched(context, site)
    watch.append(noted)
    yield made
    context.close()
    noted.verify()
