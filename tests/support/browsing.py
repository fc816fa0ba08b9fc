"""A browser for tests of pages: Chromium of the system, with an eye on what goes wrong in it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / "admin" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"

PATIENCE_MS = int(os.environ.get("OXYDE_TEST_PATIENCE_MS", "15000"))
expect.set_options(timeout=PATIENCE_MS)


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


@contextmanager
def started_browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("Chromium is missing; call: scripts/admin browser", pytrace=False)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield started
        finally:
            started.close()


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A browser of its own, in Berlin, that speaks English."""
    usual: dict[str, Any] = {
        "viewport": {"width": 1280, "height": 900},
        "locale": "en-GB",
        "timezone_id": "Europe/Berlin",
        "reduced_motion": "reduce",
    }
    context = browser.new_context(**{**usual, **options})
    context.set_default_timeout(PATIENCE_MS)
    return context


def watched(context: BrowserContext, url: str) -> tuple[Page, Watch]:
    """A page whose troubles are noted; `url` is any of the host it belongs to."""
    page = context.new_page()
    watch = Watch(origin="/".join(url.split("/")[:3]))
    page.on("console", watch.console)
    page.on("pageerror", lambda error: watch.found.append(str(error)))
    page.on("request", watch.request)
    return page, watch


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


def settle(page: Page) -> None:
    """Waits until nothing loads any more."""
    expect(page.locator("main h1").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator(".spinner")).to_have_count(0)


def shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
