"""The running host of kinds_host.py, and a form in a page of it.

`kinds` is the host, once for each database; `form` fills and reads the record page; `api` speaks to
the panel without a browser.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import servers
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from conftest import Site, Watch, free_port, new_context, start_host, stop_host, watched

__all__ = ["Api", "Form", "api", "desk", "form", "kinds"]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def kinds(request: pytest.FixtureRequest) -> Iterator[Site]:
    with servers.fresh_database(request.param) as database:
        port = free_port()
        process = start_host(database.url, port, script="kinds_host.py")
        try:
            yield Site(f"http://127.0.0.1:{port}/admin/", request.param, database.url)
        finally:
            stop_host(process)


class Api:
    """The panel's API. Numbers with a fraction are read as text, so that digits count."""

    def __init__(self, site: Site) -> None:
        self.url = site.url + "api/"

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json", **headers}, method=method
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read(), parse_float=str)

    def sample(self, **values: Any) -> Any:
        """A stored sample."""
        return self.call("POST", "samples", {"name": "one", "maker_id": 1, **values})


@pytest.fixture
def api(kinds: Site) -> Api:
    return Api(kinds)


@pytest.fixture
def desk(browser: Browser, kinds: Site) -> Iterator[BrowserContext]:
    """A browser in Germany that speaks English."""
    made = new_context(browser)
    yield made
    made.close()


class Form:
    """The record page of samples, as a person uses it."""

    def __init__(self, page: Page, site: Site, watch: Watch) -> None:
        self.page, self.site, self.watch = page, site, watch

    def open(self, key: object = "create", model: str = "samples") -> Form:
        self.page.goto(f"{self.site.url}{model}/{key}")
        expect(self.button("Save", exact=True)).to_be_visible()
        return self

    def label(self, text: str) -> Locator:
        return self.page.get_by_label(text, exact=True)

    def group(self, name: str) -> Locator:
        return self.page.get_by_role("group", name=name, exact=True)

    def button(self, name: str, exact: bool = False) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact)

    def pick(self, field: str, search: str, choice: str) -> None:
        """Chooses in a combobox by typing."""
        box = self.page.get_by_role("combobox", name=field, exact=True)
        box.click()
        box.fill(search)
        self.page.get_by_role("option", name=choice, exact=True).click()

    def save_and_stay(self) -> None:
        with self.page.expect_response(lambda answer: answer.request.method in ("PATCH", "POST")) as saved:
            self.button("Save and continue").click()
        assert saved.value.ok, saved.value.text()
        self.page.wait_for_load_state("networkidle")

    def key(self) -> str:
        """The key of the record in the address."""
        self.page.wait_for_url(re.compile(r"/samples/\d+$"))
        return self.page.url.rsplit("/", 1)[1]


@pytest.fixture
def form(desk: BrowserContext, kinds: Site) -> Iterator[Form]:
    page, watch = watched(desk, kinds)
    page.set_default_timeout(10_000)
    yield Form(page, kinds, watch)
    page.close()
    watch.verify()
