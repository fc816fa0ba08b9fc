"""Every page: accessible in both themes, narrow and wide, in other languages and directions."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from conftest import Site, serious, settle, shoot

PAGES = {
    "dashboard": "",
    "list": "parcels",
    "list-filtered": "parcels?weight__gte=10&grade=fine&search=note",
    "list-empty": "~63onfig",
    "list-keyless": "readings",
    "list-composite": "shelves",
    "create": "parcels/create",
    "record": "parcels/3",
    "audit": "-/audit",
    "missing": "a/b/c/d",
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_has_no_serious_accessibility_finding(page: Page, site: Site, name: str, theme: str) -> None:
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.goto(site.url + PAGES[name])
    settle(page)
    shoot(page, f"{site.kind}-{name}-{theme}")
    assert serious(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_login_page_has_no_serious_accessibility_finding(guest: Page, site: Site, theme: str) -> None:
    guest.emulate_media(color_scheme=theme)
    guest.goto(site.url)
    settle(guest)
    shoot(guest, f"{site.kind}-login-{theme}")
    assert serious(guest) == []


@pytest.mark.parametrize("name", PAGES)
def test_fits_the_narrowest_screen(page: Page, site: Site, name: str) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(site.url + PAGES[name])
    settle(page)
    shoot(page, f"{site.kind}-{name}-narrow")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_only_tables_scroll_sideways(page: Page, site: Site) -> None:
    for name, address in PAGES.items():
        page.goto(site.url + address)
        settle(page)
        assert too_wide_at(page) == [], name


def test_login_page_does_not_scroll_sideways(guest: Page, site: Site) -> None:
    guest.goto(site.url)
    settle(guest)
    expect(guest.get_by_label("E-mail")).to_be_visible()
    assert too_wide_at(guest) == []


def too_wide_at(page: Page) -> list[int]:
    """The widths of a window at which the page is wider than it."""
    found = []
    for width in (1280, 1024, 768, 390):
        page.set_viewport_size({"width": width, "height": 800})
        if page.evaluate("document.scrollingElement.scrollWidth > innerWidth"):
            found.append(width)
    return found


def test_goes_anywhere_by_keyboard(page: Page, site: Site) -> None:
    page.goto(site.url)
    settle(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name=re.compile("^Depots"))).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/depots$"))
    expect(page.locator("main")).to_be_focused()


def test_narrow_navigation_opens_and_closes(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(site.url)
    settle(page)
    nav = page.get_by_role("navigation", name="Main navigation")
    expect(nav).not_to_be_visible()
    page.get_by_role("button", name="Open navigation").click()
    expect(nav).to_be_visible()
    nav.get_by_role("link", name="Parcels").click()
    expect(page).to_have_url(re.compile(r"/parcels$"))
    expect(nav).not_to_be_visible()


def test_theme_and_language_are_remembered(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("radio", name="Dark").check()
    page.get_by_label("Language").select_option("de")
    expect(page.get_by_role("heading", name="Einstellungen")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Einstellungen")).to_be_focused()
    page.reload()
    settle(page)
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_role("heading", name="Übersicht")).to_be_visible()
    shoot(page, f"{site.kind}-dashboard-german")


def test_shortcuts_can_be_switched_off(page: Page, site: Site) -> None:
    page.goto(site.url + "parcels")
    settle(page)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.get_by_role("heading", name="Parcels").click()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Settings")
    dialog.get_by_label("Use keyboard shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.keyboard.press("?")
    expect(dialog).not_to_be_visible()
    expect(page).to_have_url(re.compile(r"/parcels$"))


def test_c_creates(page: Page, site: Site) -> None:
    page.goto(site.url + "parcels")
    settle(page)
    page.keyboard.press("c")
    expect(page).to_have_url(re.compile(r"/parcels/create$"))


HARD_CODED = r"""() => {
    const found = [];
    const inner = (element) => element.closest('[translate="no"], script, style, noscript, option[value]');
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const text = node.textContent.trim();
        if (/\p{L}{2}/u.test(text) && !text.includes('⟦') && !inner(node.parentElement)) found.push(text);
    }
    for (const element of document.querySelectorAll('[aria-label], [title], [placeholder], [alt]')) {
        for (const name of ['title', 'placeholder', 'alt']) {
            const text = element.getAttribute(name) ?? '';
            if (!/\p{L}{2}/u.test(text) || text.includes('⟦') || inner(element)) continue;
            found.push(`${name}: ${text}`);
        }
    }
    return found;
}"""


@pytest.mark.parametrize("name", ["dashboard", "list", "list-filtered", "list-empty", "audit", "missing"])
def test_no_text_is_hard_coded(page: Page, site: Site, name: str) -> None:
    settings = '{"mode": "light", "language": "en-XA", "shortcuts": true}'
    page.add_init_script(f"localStorage.setItem('oxyde-admin:/host/admin/:settings', '{settings}')")
    page.goto(site.url + PAGES[name])
    settle(page)
    shoot(page, f"{site.kind}-{name}-pseudo")
    assert page.locator("html").inner_text().count("⟦") > 3
    assert page.evaluate(HARD_CODED) == []


def test_right_to_left_is_mirrored(page: Page, site: Site) -> None:
    settings = '{"mode": "light", "language": "ar-XB", "shortcuts": true}'
    page.add_init_script(f"localStorage.setItem('oxyde-admin:/host/admin/:settings', '{settings}')")
    page.goto(site.url + "parcels")
    settle(page)
    shoot(page, f"{site.kind}-list-mirrored")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    nav = page.get_by_role("navigation").first.bounding_box()
    main = page.locator("main").bounding_box()
    assert nav is not None and main is not None
    assert nav["x"] > main["x"]


@pytest.mark.parametrize("path", ["", "parcels", "parcels/3"])
def test_works_under_any_mount(page: Page, site: Site, path: str) -> None:
    """The page finds its mount in <base href>; the address in the browser stays below it."""
    page.goto(site.url + path)
    settle(page)
    assert page.url == site.url + path
    page.get_by_role("link", name="Audit log").click()
    expect(page).to_have_url(site.url + "-/audit")
