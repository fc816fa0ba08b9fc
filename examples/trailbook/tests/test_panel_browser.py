"""Each extension point of Trailbook's panel, used in a browser on a server that runs.

Pictures of dashboard, list and edit lie in build/screenshots; with `TRAILBOOK_PICTURES=FOLDER` there.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import servers
from browsing import SCREENSHOTS, Watch, new_context, serious, settle, started_browser, watched
from playwright.sync_api import Browser, Locator, Page, expect
from pydantic import TypeAdapter
from served import served

from trailbook.__main__ import set_up
from trailbook.settings import Settings

PICTURES = Path(os.environ.get("TRAILBOOK_PICTURES") or SCREENSHOTS).resolve()
PICTURE_SIZE = {"width": 1280, "height": 800}
EMAILS = {"admin": "admin0", "editor": "editor1", "author": "author3"}
DOMAIN = "trailbook.example"


@dataclass
class Running:
    """Trailbook served with the seed's rows, and who has logged in so far."""

    url: str
    password: str
    browser: Browser
    cookies: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with servers.fresh_database("sqlite") as found:
        said = asyncio.run(set_up(Settings(database_url=found.url, debug=True)))
        password = said.rsplit(" ", 1)[1]
        command = ("-m", "uvicorn", "--factory", "trailbook.app:create_app", "--port", "{port}")
        with served(found.url, command, "/admin/api/config") as (base, _), started_browser() as browser:
            yield Running(base + "/admin/", password, browser)


@dataclass
class Desk:
    """A page of somebody who has logged in, as a person uses it."""

    page: Page
    watch: Watch
    url: str

    def open(self, path: str) -> Desk:
        self.page.goto(self.url + path)
        settle(self.page)
        return self

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def label(self, text: str) -> Locator:
        return self.page.get_by_label(text, exact=True)

    def dialog(self, name: str) -> Locator:
        return self.page.get_by_role("dialog", name=name)

    def rows(self) -> Locator:
        return self.page.locator(".list-table tbody tr")

    def pick(self, field: str, choice: str) -> None:
        """Chooses in a combobox by typing."""
        box = self.page.get_by_role("combobox", name=field, exact=True)
        box.click()
        box.fill(choice)
        self.page.get_by_role("option", name=choice, exact=True).click()

    def save_and_stay(self) -> None:
        with self.page.expect_response(lambda answer: answer.request.method in ("PATCH", "POST")) as saved:
            self.button("Save and continue").click()
        assert saved.value.ok, saved.value.text()
        settle(self.page)

    def stored(self, path: str) -> Any:
        """What the API says of this, for the same login."""
        answer = self.page.request.get(f"{self.url}api/{path}")
        assert answer.ok, answer.text()
        return answer.json()


def log_in(page: Page, running: Running, role: str) -> None:
    page.goto(running.url)
    page.get_by_label("E-mail").fill(f"{EMAILS[role]}@{DOMAIN}")
    page.get_by_label("Password", exact=True).fill(running.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()


@pytest.fixture
def desk(running: Running) -> Iterator[Callable[..., Desk]]:
    """Sits somebody of a role down; at the end no page may have told of an error."""
    taken: list[Desk] = []

    def sit(role: str = "admin", **options: Any) -> Desk:
        context = new_context(running.browser, **options)
        context.add_cookies(running.cookies.get(role, []))
        page, watch = watched(context, running.url)
        made = Desk(page, watch, running.url)
        taken.append(made)
        if role not in running.cookies:
            log_in(page, running, role)
            running.cookies[role] = context.cookies()
        return made

    yield sit
    for made in taken:
        made.page.context.close()
    for made in taken:
        made.watch.verify()


Sit = Callable[..., Desk]


def test_pictures_of_dashboard_list_and_edit(desk: Sit) -> None:
    sitting = desk("admin", viewport=PICTURE_SIZE, color_scheme="light")
    PICTURES.mkdir(parents=True, exist_ok=True)
    trail = sitting.stored("trails?ordering=-views&labels__isnull=false&per_page=1")["items"][0]
    for name, path in {"dashboard": "", "list": "trails", "edit": f"trails/{trail['id']}"}.items():
        sitting.open(path)
        assert serious(sitting.page) == []
        picture = PICTURES / f"admin-{name}.png"
        sitting.page.screenshot(path=picture)
        assert picture.stat().st_size > 20_000  # a blank page has less


def test_selected_remarks_are_approved(desk: Sit) -> None:
    sitting = desk("editor").open("remarks?approved=false")
    before = sitting.stored("remarks?approved=false")["total"]
    boxes = sitting.rows().get_by_role("checkbox")
    boxes.nth(0).check()
    boxes.nth(2).check()
    sitting.button("Approve").click()
    dialog = sitting.dialog("Approve")
    expect(dialog).to_contain_text("Approve 2 remarks?")
    dialog.get_by_role("button", name="Cancel").click()
    assert sitting.stored("remarks?approved=false")["total"] == before
    sitting.button("Approve").click()
    dialog.get_by_role("button", name="Run").click()
    expect(sitting.page.get_by_text("2 approved", exact=True)).to_be_visible()
    assert sitting.stored("remarks?approved=false")["total"] == before - 2
    expect(sitting.rows()).to_have_count(min(before - 2, 25))


def test_a_trail_is_published_on_a_day(desk: Sit) -> None:
    sitting = desk("editor")
    draft = sitting.stored("trails?published_on__isnull=true")["items"][0]
    sitting.open(f"trails/{draft['id']}")
    sitting.button("Publish").click()
    dialog = sitting.dialog("Publish")
    dialog.get_by_label(re.compile("^Publish on")).fill("2026-05-17")
    dialog.get_by_role("button", name="Run").click()
    expect(sitting.page.get_by_text(f"{draft['title']} is published on 2026-05-17.")).to_be_visible()
    expect(sitting.label("Published")).to_have_value("2026-05-17")
    assert sitting.stored(f"trails/{draft['id']}")["published_on"] == "2026-05-17"


def test_remarks_are_written_and_removed_under_their_trail(desk: Sit) -> None:
    sitting = desk("editor").open("trails/1")
    many = len(sitting.stored("trails/1/-/inlines/remarks")["items"])
    sitting.button("Add: Remarks").click()
    sitting.label(f"Body, row {many + 1}").fill("The bridge is out: не ходіть.")
    sitting.pick(f"Author, row {many + 1}", "aiko")
    sitting.save_and_stay()
    bodies = [row["body"] for row in sitting.stored("trails/1/-/inlines/remarks")["items"]]
    assert len(bodies) == many + 1
    place = bodies.index("The bridge is out: не ходіть.") + 1
    sitting.button(f"Remove row {place}").click()
    sitting.save_and_stay()
    assert len(sitting.stored("trails/1/-/inlines/remarks")["items"]) == many


def test_authors_see_their_own_trails(desk: Sit) -> None:
    everything = desk("admin").stored("trails")["total"]
    sitting = desk("author").open("trails")
    own = sitting.stored("trails")["total"]
    assert 0 < own < everything
    expect(sitting.rows()).to_have_count(own)
    expect(sitting.rows().get_by_role("link", name="joão")).to_have_count(own)
    links = sitting.page.get_by_role("navigation", name="Main navigation").get_by_role("link")
    assert {"Trails", "Remarks", "Members"} <= set(links.all_inner_texts())
    assert not {"Visits", "Favourites", "Profiles"} & set(links.all_inner_texts())


def test_a_role_is_given_by_administrators_only(desk: Sit) -> None:
    nils = desk("admin").stored("members?search=nils")["items"][0]["id"]
    looking = desk("editor").open(f"members/{nils}")
    expect(looking.page.get_by_text("You may look at this record, but not change it.")).to_be_visible()
    expect(looking.page.get_by_role("combobox", name="Role")).to_have_count(0)
    sitting = desk("admin").open(f"members/{nils}")
    sitting.page.get_by_role("combobox", name="Role", exact=True).select_option("author")
    sitting.save_and_stay()
    assert sitting.stored(f"members/{nils}")["role"] == "author"


def test_a_new_trail_has_a_slug_of_its_own(desk: Sit) -> None:
    sitting = desk("admin")
    for slug in ("c", "c-2"):
        sitting.open("trails/create")
        sitting.label("Title").fill("C++")
        sitting.pick("Author", "marta")
        sitting.label("Length, km").fill("4.20")
        sitting.label("Walking time").fill("1h 10m")
        sitting.save_and_stay()
        expect(sitting.page.get_by_text(slug, exact=True)).to_be_visible()
        assert sitting.stored("trails?search=C%2B%2B&ordering=-id")["items"][0]["slug"] == slug


def test_the_list_computes_the_pace(desk: Sit) -> None:
    sitting = desk("editor").open("trails?ordering=id")
    first = sitting.stored("trails?ordering=id&per_page=1")["items"][0]
    minutes = TypeAdapter(timedelta).validate_python(first["walking_time"]).total_seconds() / 60
    heads = sitting.page.locator(".list-table thead th").all_inner_texts()
    column = next(place for place, text in enumerate(heads) if "Pace, min/km" in text)
    pace = f"{minutes / float(first['length_km']):.1f}"
    expect(sitting.rows().first.locator("td").nth(column)).to_have_text(pace)


def test_charts_of_regions_and_visits(desk: Sit) -> None:
    sitting = desk("editor").open("")
    for title, first in {"Trails by region": "none", "Visits a month": "2024-05"}.items():
        chart = sitting.page.get_by_role("region", name=title)
        expect(chart.get_by_role("img", name=title)).to_be_visible()
        chart.get_by_role("button", name="Show as table").click()
        expect(chart.get_by_role("row", name=re.compile(f"^{first} "))).to_be_visible()
    author = desk("author").open("")
    expect(author.page.get_by_role("region", name="Visits a month")).to_have_count(0)


def test_visits_are_imported_after_a_preview(desk: Sit) -> None:
    sitting = desk("editor").open("visits")
    before = sitting.stored("visits")["total"]
    sitting.button("Import").click()
    dialog = sitting.dialog("Import Visits")

    def check(minutes: int) -> None:
        text = f"day;minutes;trail_id;note\n2026-05-01;90;1;нет дождя\n2026-05-02;{minutes};2;\n"
        dialog.get_by_label("CSV file").set_input_files(
            {"name": "visits.csv", "mimeType": "text/csv", "buffer": text.encode()}
        )
        dialog.get_by_role("button", name="Check").click()

    sitting.watch.expected.append("status of 422")
    check(-1)
    expect(dialog.get_by_text("Nothing can be imported until the errors are gone.")).to_be_visible()
    check(80)
    expect(dialog.get_by_text("Preview: nothing has been written yet")).to_be_visible()
    assert sitting.stored("visits")["total"] == before
    dialog.get_by_role("button", name="Import 2 rows").click()
    expect(sitting.page.get_by_text("2 rows have been imported.")).to_be_visible()
    expect(sitting.rows().first).to_contain_text("2 May 2026")
    assert sitting.stored("visits")["total"] == before + 2


def test_a_stale_trail_is_merged_in_a_dialog(desk: Sit) -> None:
    mine, theirs = desk("editor"), desk("admin")
    for sitting in (mine, theirs):
        sitting.open("trails/2")
    theirs.label("Title").fill("Theirs")
    theirs.save_and_stay()
    mine.watch.expected.append("status of 412")
    mine.label("Length, km").fill("12.50")
    mine.label("Title").fill("Mine")
    mine.button("Save and continue").click()
    dialog = mine.dialog("Somebody else has changed this record")
    dialog.get_by_role("radio", name="Title: take theirs, Theirs").check()
    dialog.get_by_role("button", name="Save the chosen ones").click()
    expect(dialog).to_be_hidden()
    expect(mine.page.locator(".message.success").last).to_be_visible()
    stored = mine.stored("trails/2")
    assert (stored["title"], stored["length_km"], stored["version"]) == ("Theirs", "12.50", 3)


def test_favourites_are_found_by_two_keys(desk: Sit) -> None:
    sitting = desk("admin")
    before = sitting.stored("favourites")["total"]
    favourite = sitting.stored("favourites?per_page=1")["items"][0]
    key = f"{favourite['member_id']},{favourite['trail_id']}"
    sitting.open("favourites")
    sitting.rows().first.get_by_role("link").first.click()
    expect(sitting.page).to_have_url(re.compile(rf"/favourites/{key.replace(',', '(,|%2C)')}$"))
    settle(sitting.page)
    sitting.button("Delete").click()
    sitting.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    sitting.page.wait_for_url("**/admin/favourites")
    assert sitting.stored("favourites")["total"] == before - 1


def test_what_was_done_is_told(desk: Sit) -> None:
    sitting = desk("admin").open("trails/3")
    sitting.label("Title").fill("Told to all")
    sitting.save_and_stay()
    sitting.open("-/audit")
    sitting.page.get_by_label("Model", exact=True).select_option("trails")
    expect(sitting.page).to_have_url(re.compile("model=trails"))
    entry = sitting.page.get_by_role("row", name=re.compile("Changed.*Told to all"))
    expect(entry).to_be_visible()
    assert serious(sitting.page) == []
