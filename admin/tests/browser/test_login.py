"""Logging in and out."""

from __future__ import annotations

import re

from panel_host import EMAIL, PASSWORD
from playwright.sync_api import Page, expect

from conftest import Site, Watch, log_in


def test_leads_to_where_one_wanted_to_go(guest: Page, site: Site) -> None:
    guest.goto(site.url + "parcels?weight__gte=250")
    expect(guest).to_have_url(re.compile(r"/login\?next="))
    guest.get_by_label("E-mail").fill(EMAIL)
    guest.get_by_label("Password", exact=True).fill(PASSWORD)
    guest.keyboard.press("Enter")
    expect(guest).to_have_url(site.url + "parcels?weight__gte=250")
    expect(guest.get_by_role("row")).to_have_count(12)


def test_is_made_for_password_managers(guest: Page, site: Site) -> None:
    guest.goto(site.url)
    password = guest.get_by_label("Password", exact=True)
    expect(password).to_have_attribute("type", "password")
    expect(password).to_have_attribute("autocomplete", "current-password")
    expect(guest.get_by_label("E-mail")).to_have_attribute("autocomplete", "username")
    guest.get_by_role("button", name="Show password").click()
    expect(password).to_have_attribute("type", "text")


def test_never_leads_to_another_site(guest: Page, site: Site) -> None:
    guest.goto(site.url + "login?next=//example.org/")
    guest.get_by_label("E-mail").fill(EMAIL)
    guest.get_by_label("Password", exact=True).fill(PASSWORD)
    guest.keyboard.press("Enter")
    expect(guest).to_have_url(site.url)


def test_wrong_password_is_told_and_then_has_to_wait(guest: Page, site: Site, watch: list[Watch]) -> None:
    watch[0].expected += [r"status of 401", r"status of 429"]
    guest.goto(site.url)
    guest.get_by_label("E-mail").fill(f"nobody-{site.kind}@example.org")
    guest.get_by_label("Password", exact=True).fill("wrong")
    button = guest.get_by_role("button", name="Log in")
    button.click()
    expect(guest.get_by_text("These credentials are not valid.")).to_be_visible()
    waits = guest.get_by_text(re.compile(r"Try again in \d+ second"))
    for _ in range(6):
        if waits.is_visible():
            break
        with guest.expect_response(re.compile("/api/-/session")):
            button.click()
        guest.wait_for_timeout(100)
    expect(waits).to_be_visible()
    expect(button).to_be_disabled()


def test_token_is_not_kept_in_the_browser(guest: Page, site: Site) -> None:
    log_in(guest, site)
    kept = guest.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "token" not in kept.lower() and "session" not in kept.lower(), kept


def test_logging_out_ends_the_session(guest: Page, site: Site) -> None:
    log_in(guest, site)
    guest.get_by_role("button", name="Log out").click()
    expect(guest).to_have_url(re.compile("/login"))
    guest.goto(site.url + "parcels")
    expect(guest).to_have_url(re.compile("/login"))


def test_a_session_that_ended_elsewhere_asks_again(guest: Page, site: Site, watch: list[Watch]) -> None:
    watch[0].expected.append(r"status of 401")
    log_in(guest, site)
    guest.wait_for_load_state("networkidle")  # else a chart that is still loading would ask again first
    guest.context.clear_cookies()
    guest.get_by_role("link", name="Parcels").first.click()
    expect(guest.get_by_text("Your session has ended.")).to_be_visible()
    log_in(guest, site)
