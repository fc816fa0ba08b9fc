"""Dashboard and audit log."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from conftest import Site, serious, shoot


def test_models_are_grouped_with_counts(page: Page, site: Site) -> None:
    page.goto(site.url)
    main = page.locator("main")
    expect(main.get_by_role("link", name="Shelves 6")).to_be_visible()
    assert main.get_by_role("heading", level=2).all_inner_texts()[:3] == ["Places", "Goods", "Other"]
    main.get_by_role("link", name="Shelves 6").click()
    expect(page).to_have_url(re.compile("/shelves$"))


def test_charts_are_tables_too(page: Page, site: Site) -> None:
    page.goto(site.url)
    chart = page.get_by_role("region", name="Parcels by depot").first
    expect(chart.get_by_role("img", name="Parcels by depot")).to_be_visible()
    chart.get_by_role("button", name="Show as table").click()
    expect(chart.get_by_role("row", name="Depot 8 24")).to_be_visible()
    assert serious(page) == []


def test_changes_are_shown_to_all_who_look(page: Page, site: Site) -> None:
    session = page.request.get(site.url + "api/-/session").json()
    answer = page.request.patch(
        site.url + "api/depots/8",
        data={"city": "Gdańsk"},
        headers={"X-CSRF-Token": session["csrf"], "Content-Type": "application/json"},
    )
    assert answer.ok, answer.text()
    page.goto(site.url)
    recent = page.get_by_role("region", name="Audit log")
    expect(recent.get_by_role("row", name=re.compile("Changed Depots")).first).to_be_visible()
    page.goto(site.url + "-/audit")
    page.get_by_label("Model").select_option("depots")
    expect(page).to_have_url(re.compile("model=depots"))
    entry = page.get_by_role("row", name=re.compile("Changed.*Depots")).first
    entry.get_by_text("1 field").click()
    expect(entry.get_by_role("cell", name="Gdańsk")).to_be_visible()
    shoot(page, f"{site.kind}-audit-entry")
    assert serious(page) == []
    entry.get_by_role("link").click()
    expect(page).to_have_url(re.compile("/depots/8$"))
