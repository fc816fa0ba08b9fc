"""The list: searching, filtering, sorting, paging, selecting, and what is done with a selection."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from conftest import Site, Watch, serious, shoot


def rows(page: Page) -> Locator:
    return page.locator(".list-table tbody tr")


def cells(page: Page, column: int) -> list[str]:
    return page.locator(f".list-table tbody tr td:nth-child({column + 1})").all_inner_texts()


def open_list(page: Page, site: Site, query: str = "") -> None:
    page.goto(site.url + "parcels" + query)
    expect(rows(page).first).to_be_visible()


def test_search_waits_for_the_last_key_and_stays_in_the_address(page: Page, site: Site) -> None:
    open_list(page, site)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "search=" in request.url else None)
    page.get_by_role("searchbox").press_sequentially("P-0012", delay=20)
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"search=P-0012"))
    assert len(asked) == 1, asked
    page.get_by_role("button", name="Remove filter Search: “P-0012”").click()
    expect(rows(page)).to_have_count(25)


def test_values_are_text_and_never_markup(page: Page, site: Site) -> None:
    page.goto(site.url + "parcels?search=P-0001")
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("dialog").get_by_label("Note", exact=True).check()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("cell", name="<b>Note 1</b> & more")).to_be_visible()


def test_numbers_stand_on_the_right(page: Page, site: Site) -> None:
    open_list(page, site)
    for name, side in (("Weight", "end"), ("Price", "end"), ("Kilos", "end"), ("Load", "start")):
        header = page.locator(".list-table thead th").filter(has=page.get_by_text(name, exact=True))
        place = header.evaluate("element => element.cellIndex")
        cell = rows(page).first.locator("td").nth(place)
        for shown in (header, cell):
            assert shown.evaluate("element => getComputedStyle(element).textAlign") == side, name


def test_filters_of_each_kind(page: Page, site: Site) -> None:
    open_list(page, site)
    page.get_by_role("button", name="Filters", exact=True).click()
    page.get_by_label("Weight: from").fill("250")
    page.get_by_label("Weight: from").press("Enter")
    expect(rows(page)).to_have_count(11)
    page.get_by_role("group", name="Grade").get_by_role("combobox").select_option("fine")
    expect(page).to_have_url(re.compile("grade=fine"))
    expect(rows(page)).to_have_count(4)
    page.get_by_label("Due: is empty").select_option("true")
    expect(page).to_have_url(re.compile("due__isnull=true"))
    chips = page.get_by_role("list", name="Active filters")
    expect(chips.get_by_role("button", name=re.compile("Remove filter"))).to_have_count(3)
    shoot(page, f"{site.kind}-filters")
    assert serious(page) == []
    page.go_back()
    expect(rows(page)).to_have_count(4)
    chips.get_by_role("button", name="Clear all filters").click()
    expect(rows(page)).to_have_count(25)


def test_filter_by_a_related_record(page: Page, site: Site) -> None:
    open_list(page, site)
    page.get_by_role("button", name="Filters", exact=True).click()
    picker = page.get_by_role("group", name="Depot").get_by_role("combobox")
    picker.fill("Depot 3")
    page.get_by_role("option", name="Depot 3").click()
    expect(page.get_by_role("button", name="Remove filter Depot: Depot 3")).to_be_visible()
    expect(page.get_by_text("Page 1 of 2")).to_be_visible()
    assert set(cells(page, 2)) == {"Depot 3"}
    page.reload()
    expect(page.get_by_role("button", name="Remove filter Depot: Depot 3")).to_be_visible()


def test_sorting_by_several_columns(page: Page, site: Site) -> None:
    open_list(page, site)
    page.get_by_role("button", name=re.compile("^Sort by Sent")).click()
    expect(page).to_have_url(re.compile(r"ordering=sent$"))
    page.get_by_role("button", name=re.compile("^Sort by Weight")).click(modifiers=["Shift"])
    page.get_by_role("button", name=re.compile("^Sort by Weight")).click(modifiers=["Shift"])
    expect(page).to_have_url(re.compile(r"ordering=sent,-weight$"))
    expect(page.get_by_role("columnheader", name=re.compile("Sent"))).to_have_attribute(
        "aria-sort", "ascending"
    )
    expect(rows(page).first.locator("td").nth(3)).to_have_text("260")


def test_pages_and_sizes(page: Page, site: Site) -> None:
    open_list(page, site)
    expect(page.get_by_text("Page 1 of 11")).to_be_visible()
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_text("Page 2 of 11")).to_be_visible()
    expect(rows(page).first).to_contain_text("P-0026")
    page.get_by_role("button", name="Last page").click()
    expect(rows(page)).to_have_count(10)
    page.get_by_label("Rows per page").select_option("100")
    expect(page).to_have_url(re.compile("per_page=100"))
    expect(rows(page)).to_have_count(100)


def test_pages_by_position(page: Page, site: Site) -> None:
    first = page.request.get(site.url + "api/parcels?per_page=25").json()
    open_list(page, site, f"?after={first['next']}")
    expect(rows(page).first).to_contain_text("P-0026")
    page.get_by_role("button", name="Previous page").click()
    expect(rows(page).first).to_contain_text("P-0001")


def test_chosen_columns_are_remembered(page: Page, site: Site) -> None:
    open_list(page, site)
    page.get_by_role("button", name="Columns").click()
    dialog = page.get_by_role("dialog", name="Columns")
    assert serious(page) == []
    dialog.get_by_label("Price", exact=True).uncheck()
    dialog.get_by_label("Uid", exact=True).check()
    dialog.get_by_role("button", name="Move Weight up").click()
    dialog.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("button", name="Columns")).to_be_focused()
    page.reload()
    expect(rows(page).first).to_be_visible()
    heads = page.locator(".list-table thead th").all_inner_texts()
    assert [name for name in ("Weight", "Depot") if name in " ".join(heads)] == ["Weight", "Depot"]
    assert heads.index(next(h for h in heads if "Weight" in h)) < heads.index(
        next(h for h in heads if "Depot" in h)
    )
    assert not any("Price" in head for head in heads) and any("Uid" in head for head in heads)


def test_rows_are_links(page: Page, site: Site) -> None:
    open_list(page, site)
    page.get_by_role("link", name="P-0003").click()
    expect(page).to_have_url(re.compile(r"/parcels/3$"))
    page.go_back()
    page.get_by_role("link", name="Depot 4").first.click()
    expect(page).to_have_url(re.compile(r"/depots/4$"))


def test_composite_and_odd_keys_are_links(page: Page, site: Site) -> None:
    page.goto(site.url + "shelves")
    rows(page).get_by_role("link", name="A", exact=True).first.click()
    expect(page).to_have_url(re.compile(r"/shelves/A,1$|/shelves/A%2C1$"))
    expect(page.get_by_role("heading", level=1)).not_to_have_text("")


def test_exports_what_is_shown(page: Page, site: Site, tmp_path: Path) -> None:
    open_list(page, site, "?weight__lte=30&ordering=-weight")
    page.get_by_role("button", name="Export").click()
    assert serious(page) == []
    page.get_by_label("The columns shown").check()
    with page.expect_download() as download:
        page.get_by_role("dialog").get_by_role("button", name="Export").click()
    file = tmp_path / "parcels.csv"
    download.value.save_as(file)
    assert download.value.suggested_filename == "parcels.csv"
    table = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    assert len(table) == 30 and table[0]["code"] == "P-0030" and "uid" not in table[0]


def test_exports_a_selection_as_json(page: Page, site: Site, tmp_path: Path) -> None:
    open_list(page, site)
    for code in ("P-0002", "P-0004"):
        page.get_by_role("checkbox", name=f"Select {code}").check()
    page.get_by_role("button", name="Export").click()
    page.get_by_label("JSON").check()
    with page.expect_download() as download:
        page.get_by_role("dialog").get_by_role("button", name="Export").click()
    file = tmp_path / "parcels.json"
    download.value.save_as(file)
    assert [row["code"] for row in json.loads(file.read_text())] == ["P-0002", "P-0004"]


def test_imports_after_a_preview(page: Page, site: Site, watch: list[Watch]) -> None:
    watch[0].expected.append("status of 422")
    page.goto(site.url + "depots")
    page.get_by_role("button", name="Import").click()
    dialog = page.get_by_role("dialog", name="Import Depots")
    wrong = f"name,city\n{'x' * 50},Here\n"
    dialog.get_by_label("CSV file").set_input_files(
        {"name": "a.csv", "mimeType": "text/csv", "buffer": wrong.encode()}
    )
    dialog.get_by_role("button", name="Check").click()
    expect(dialog.get_by_text("Nothing can be imported until the errors are gone.")).to_be_visible()
    shoot(page, f"{site.kind}-import")
    assert serious(page) == []
    right = "name;city\nImported;Somewhere\n"
    dialog.get_by_label("CSV file").set_input_files(
        {"name": "b.csv", "mimeType": "text/csv", "buffer": right.encode()}
    )
    dialog.get_by_role("button", name="Check").click()
    dialog.get_by_role("button", name="Import 1 row").click()
    expect(page.get_by_text("1 row has been imported.")).to_be_visible()
    expect(page.get_by_role("link", name="Imported")).to_be_visible()
    page.get_by_role("checkbox", name="Select Imported").check()
    page.get_by_role("region", name="Actions on the selection").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("1 record has been deleted.")).to_be_visible()


def test_edits_many_at_once(page: Page, site: Site) -> None:
    open_list(page, site, "?weight__gte=100&weight__lte=160")
    page.get_by_role("checkbox", name="Select all on this page").check()
    expect(page.get_by_text("25 selected")).to_be_visible()
    page.get_by_role("button", name="Select all 61 matching records").click()
    expect(page.get_by_text("All 61 matching records are selected")).to_be_visible()
    page.get_by_role("button", name="Edit", exact=True).click()
    dialog = page.get_by_role("dialog", name="Edit 61 records")
    dialog.get_by_label("Change Size").check()
    assert serious(page) == []
    dialog.get_by_label("Size", exact=True).select_option("l")
    shoot(page, f"{site.kind}-bulk-edit")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("61 records have been changed.")).to_be_visible()
    answer = page.request.get(site.url + "api/parcels/130").json()
    assert answer["size"] == "l"


def test_deletes_a_selection_after_a_preview(page: Page, site: Site, watch: list[Watch]) -> None:
    watch[0].expected.append("status of 409")
    open_list(page, site, "?weight__lte=20")
    page.get_by_role("checkbox", name="Select P-0020").check()
    page.get_by_role("region", name="Actions on the selection").get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete 1 record?")
    expect(dialog.get_by_text("Events: 1 record")).to_be_visible()
    assert serious(page) == []
    shoot(page, f"{site.kind}-bulk-delete")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("1 record has been deleted.")).to_be_visible()
    expect(page.get_by_role("link", name="P-0020")).to_have_count(0)


def test_what_is_still_referred_to_cannot_be_deleted(page: Page, site: Site) -> None:
    page.goto(site.url + "depots")
    page.get_by_role("checkbox", name="Select Depot 1", exact=True).check()
    page.get_by_role("region", name="Actions on the selection").get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("These still refer to it and prevent the deletion:")).to_be_visible()
    expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()


def test_actions_ask_and_run(page: Page, site: Site, watch: list[Watch]) -> None:
    watch[0].expected.append("status of 422")
    open_list(page, site, "?search=P-003")
    page.get_by_role("checkbox", name="Select P-0031").check()
    page.get_by_role("button", name="Mark as sent").click()
    expect(page.get_by_text("Mark 1 parcels as sent?")).to_be_visible()
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("1 marked as sent")).to_be_visible()
    page.get_by_role("checkbox", name="Select P-0031").check()
    page.get_by_role("button", name="Stamp").click()
    dialog = page.get_by_role("dialog", name="Stamp")
    dialog.get_by_label(re.compile("^Note")).fill("ab")
    dialog.get_by_role("button", name="Run").click()
    expect(dialog.get_by_text("Some values are not valid.")).to_be_visible()
    assert serious(page) == []
    dialog.get_by_label(re.compile("^Note")).fill("stamped now")
    dialog.get_by_role("button", name="Run").click()
    expect(page.get_by_text("1 stamped")).to_be_visible()
    page.get_by_role("button", name="Recount").click()
    expect(page.get_by_text("Counted again")).to_be_visible()


def test_unknown_filters_of_the_address_are_told(page: Page, site: Site) -> None:
    open_list(page, site, "?colour=red")
    expect(page.get_by_text("These parameters of the address have no effect: colour")).to_be_visible()


def test_errors_offer_to_try_again(page: Page, site: Site, watch: list[Watch]) -> None:
    watch[0].expected.append("status of 400")
    page.goto(site.url + "parcels?ordering=nonsense")
    expect(page.get_by_role("alert").filter(has_text="cannot be used")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert serious(page) == []


def test_a_lost_connection_is_told(page: Page, site: Site, watch: list[Watch]) -> None:
    watch[0].expected.append("ERR_FAILED|ERR_INTERNET_DISCONNECTED")
    open_list(page, site)
    page.context.set_offline(True)
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(rows(page).first).to_contain_text(re.compile(r"P-002[67]"))


@pytest.mark.parametrize("slug", ["readings"])
def test_models_without_a_key_are_listed_only(page: Page, site: Site, slug: str) -> None:
    page.goto(site.url + slug)
    expect(page.get_by_text("This model has no key")).to_be_visible()
    expect(page.get_by_role("link", name="Create")).to_have_count(0)
    expect(page.get_by_role("checkbox")).to_have_count(0)
