"""The record page: saving, refusals, other people's changes, inlines, history, and what may not be done."""

from __future__ import annotations

import pytest
from kinds_site import Api, Form, api, desk, form, kinds
from playwright.sync_api import expect

from conftest import Site, serious, shoot

__all__ = ["api", "desk", "form", "kinds"]


def test_only_changed_fields_are_sent_with_the_tag(form: Form, api: Api) -> None:
    key = api.sample(nick="a", words=["x"])["id"]
    form.open(key)
    form.label("Nick").fill("b")
    form.label("Nick").fill("a")
    form.label("Flag").check()
    with form.page.expect_request(lambda request: request.method == "PATCH") as sent:
        form.save_and_stay()
    assert sent.value.post_data_json == {"flag": True}
    assert sent.value.headers["if-match"].startswith('"')


def test_refusal_is_shown_at_the_field_and_in_a_summary(form: Form) -> None:
    form.watch.expected.append("status of 422")
    form.open()
    form.label("Name").fill("x" * 21)
    form.label("Facts: no value").uncheck()
    form.label("Height").fill("-1")
    form.button("Save", exact=True).click()
    summary = form.page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Name: At most 20 characters are allowed.")
    expect(summary).to_contain_text("Maker: A value is required.")
    expect(summary).to_contain_text("Facts \u203a height: The value must be at least 0.")
    assert serious(form.page) == []
    shoot(form.page, f"form-refused-{form.site.kind}")
    summary.get_by_role("button", name="Facts").click()
    expect(form.label("Height")).to_be_focused()
    described = form.label("Height").get_attribute("aria-describedby") or ""
    expect(form.page.locator(f'[id="{described.split()[0]}"]')).to_contain_text("at least 0")
    form.label("Name").fill("short")
    expect(form.label("Name")).not_to_have_attribute("aria-invalid", "true")


def test_taken_name_is_told_at_its_field(form: Form, api: Api) -> None:
    form.watch.expected.append("status of 409")
    form.open(model="makers")
    form.label("Name").fill("Maker 05")
    form.button("Save", exact=True).click()
    expect(form.label("Name")).to_have_attribute("aria-invalid", "true")


def test_stale_record_is_merged_field_by_field(form: Form, api: Api) -> None:
    form.watch.expected.append("status of 412")
    key = api.sample(nick="old", story="old", whole=1)["id"]
    form.open(key)
    other = Form(form.page.context.new_page(), form.site, form.watch).open(key)
    other.label("Nick").fill("theirs")
    other.label("Story").fill("theirs")
    other.save_and_stay()
    other.page.close()

    form.label("Nick").fill("mine")
    form.label("Whole").fill("2")
    form.button("Save and continue").click()
    dialog = form.page.get_by_role("dialog", name="Somebody else has changed this record")
    expect(dialog.get_by_role("row")).to_have_count(4)
    expect(dialog.get_by_role("radio", name="Nick: keep mine, mine")).to_be_checked()
    expect(dialog.get_by_role("radio", name="Story: take theirs, theirs")).to_be_checked()
    expect(dialog.get_by_role("radio", name="Whole: keep mine, 2")).to_be_checked()
    assert serious(form.page) == []
    shoot(form.page, f"form-stale-{form.site.kind}")
    dialog.get_by_role("radio", name="Nick: take theirs, theirs").check()
    dialog.get_by_role("button", name="Save the chosen ones").click()
    expect(dialog).to_be_hidden()
    expect(form.page.locator(".message.success").last).to_be_visible()
    stored = api.call("GET", f"samples/{key}")
    assert (stored["nick"], stored["story"], stored["whole"]) == ("theirs", "theirs", 2)


def test_stale_record_is_replaced_by_either_version(form: Form, api: Api) -> None:
    form.watch.expected.append("status of 412")
    key = api.sample(nick="old")["id"]
    for choice, expected in (("Keep mine", "mine"), ("Take theirs", "theirs")):
        form.open(key)
        api.call("PATCH", f"samples/{key}", {"nick": "theirs"})
        form.label("Nick").fill("mine")
        form.button("Save and continue").click()
        form.page.get_by_role("dialog").get_by_role("button", name=choice).click()
        expect(form.page.get_by_role("dialog")).to_be_hidden()
        expect(form.label("Nick")).to_have_value(expected)
        if expected == "mine":  # which is written after the dialog has closed
            expect(form.page.locator(".message.success").last).to_be_visible()
        assert api.call("GET", f"samples/{key}")["nick"] == expected
        api.call("PATCH", f"samples/{key}", {"nick": "old"})


def test_stale_inline_row_is_merged_field_by_field(form: Form, api: Api) -> None:
    form.watch.expected.append("status of 412")
    key = api.sample(nick="old", _inlines={"remarks": [{"body": "one"}, {"body": "two", "stars": 1}]})["id"]
    rows = api.call("GET", f"samples/{key}/-/inlines/remarks?ordering=id")["items"]
    form.open(key)
    api.call("PATCH", f"remarks/{rows[1]['id']}", {"body": "theirs", "stars": 2})
    place = [form.label(f"Body, row {n}").input_value() for n in (1, 2)].index("two") + 1
    form.label(f"Body, row {place}").fill("mine")
    form.label("Nick").fill("new")
    form.button("Save and continue").click()
    title = f"Somebody else has changed the row Remarks {place}"
    dialog = form.page.get_by_role("dialog", name=title)
    expect(dialog.get_by_role("radio", name="Body: keep mine, mine")).to_be_checked()
    expect(dialog.get_by_role("radio", name="Body: take theirs, theirs")).to_be_visible()
    expect(dialog.get_by_role("radio", name="Stars: take theirs, 2")).to_be_checked()
    assert serious(form.page) == []
    dialog.get_by_role("button", name="Save the chosen ones").click()
    expect(form.page.locator(".message.success").last).to_be_visible()
    stored = api.call("GET", f"remarks/{rows[1]['id']}")
    assert (stored["body"], stored["stars"]) == ("mine", 2)
    assert api.call("GET", f"samples/{key}")["nick"] == "new"


@pytest.mark.parametrize(("choice", "left"), [("Keep the row", 2), ("Remove it all the same", 1)])
def test_stale_inline_row_is_removed_only_when_that_is_said_again(
    form: Form, api: Api, choice: str, left: int
) -> None:
    form.watch.expected.append("status of 412")
    key = api.sample(_inlines={"remarks": [{"body": "one"}, {"body": "two"}]})["id"]
    rows = api.call("GET", f"samples/{key}/-/inlines/remarks?ordering=id")["items"]
    form.open(key)
    api.call("PATCH", f"remarks/{rows[1]['id']}", {"body": "theirs"})
    place = [form.label(f"Body, row {n}").input_value() for n in (1, 2)].index("two") + 1
    form.button(f"Remove row {place}").click()
    form.button("Save and continue").click()
    dialog = form.page.get_by_role("dialog", name=f"Somebody else has changed the row Remarks {place}")
    expect(dialog.get_by_role("cell", name="theirs")).to_be_visible()
    expect(dialog.get_by_role("button", name="Keep mine")).to_have_count(0)
    assert serious(form.page) == []
    assert api.call("GET", f"remarks/{rows[1]['id']}")["body"] == "theirs"
    dialog.get_by_role("button", name=choice).click()
    expect(dialog).to_be_hidden()
    if left == 1:
        expect(form.page.locator(".message.success").last).to_be_visible()
    else:
        expect(form.label(f"Body, row {place}")).to_have_value("theirs")
    assert len(api.call("GET", f"samples/{key}/-/inlines/remarks")["items"]) == left


def test_inline_rows_are_added_edited_and_removed_with_the_record(form: Form, api: Api) -> None:
    form.watch.expected.append("status of 422")
    key = api.sample(_inlines={"remarks": [{"body": "first"}, {"body": "second"}]})["id"]
    form.open(key)
    form.label("Body, row 1").fill("changed")
    form.button("Remove row 2").click()
    form.button("Add: Remarks").click()
    expect(form.label("Body, row 3")).to_be_focused()
    form.page.keyboard.type("third")
    form.label("Stars, row 3").fill("9")
    form.button("Save and continue").click()
    expect(form.page.get_by_role("alert")).to_contain_text("Stars: The value must be at most 5.")
    expect(form.label("Stars, row 3")).to_have_attribute("aria-invalid", "true")
    assert serious(form.page) == []
    form.label("Stars, row 3").fill("4")
    form.save_and_stay()
    rows = api.call("GET", f"samples/{key}/-/inlines/remarks")["items"]
    assert sorted((row["body"], row["stars"]) for row in rows) == [("changed", None), ("third", 4)]
    expect(form.label("Body, row 3")).to_have_count(0)


def test_deletion_is_previewed_and_asked(form: Form, api: Api) -> None:
    key = api.sample(name="to go", _inlines={"remarks": [{"body": "gone too"}]})["id"]
    form.open(key)
    form.button("Delete").click()
    dialog = form.page.get_by_role("dialog", name="Delete to go?")
    expect(dialog).to_contain_text("Remarks: 1 record")
    assert serious(form.page) == []
    dialog.get_by_role("button", name="Cancel").click()
    expect(form.button("Delete")).to_be_focused()
    form.button("Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    form.page.wait_for_url("**/admin/samples")
    left = api.call("GET", "remarks?per_page=40&ordering=-id")["items"]
    assert "gone too" not in [row["body"] for row in left]


def test_protected_record_is_not_deleted(form: Form, api: Api) -> None:
    api.sample(maker_id=11)
    form.open(11, "makers")
    form.button("Delete").click()
    dialog = form.page.get_by_role("dialog")
    expect(dialog).to_contain_text("prevent the deletion")
    expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()


def test_history_tells_each_change(form: Form, api: Api) -> None:
    key = api.sample(nick="before")["id"]
    api.call("PATCH", f"samples/{key}", {"nick": "after"})
    form.open(key)
    form.button("History").click()
    panel = form.page.get_by_role("region", name="History")
    row = panel.get_by_role("row", name="Nick before after")
    expect(row).to_be_visible()
    assert serious(form.page) == []
    shoot(form.page, f"form-history-{form.site.kind}")


def test_record_without_permission_is_read_only(form: Form, api: Api) -> None:
    key = api.sample(name="locked", story="to read", topics=[1], home="https://example.org/")["id"]
    form.page.goto(f"{form.site.url}samples/{key}")
    expect(form.page.get_by_text("You may look at this record, but not change it.")).to_be_visible()
    expect(form.page.get_by_text("to read")).to_be_visible()
    expect(form.page.get_by_role("link", name="Maker 01")).to_be_visible()
    expect(form.page.get_by_role("link", name="Topic 1")).to_be_visible()
    for name in ("Save", "Delete", "Praise"):
        expect(form.button(name)).to_have_count(0)
    expect(form.page.locator("form input, form textarea, form select")).to_have_count(0)
    assert serious(form.page) == []


def test_computed_column_is_read_on_the_page_and_follows_a_save(form: Form, api: Api) -> None:
    form.open(api.sample(whole=600)["id"])
    shown = form.page.locator("#field-doubled")
    expect(shown).to_have_text("1,200")
    expect(form.page.get_by_text("Twice the whole.")).to_be_visible()
    expect(form.page.get_by_role("textbox", name="Doubled")).to_have_count(0)
    form.label("Whole").fill("700")
    form.save_and_stay()
    expect(shown).to_have_text("1,400")
    form.open()
    expect(shown).to_have_count(0)


def test_row_action_asks_its_form_and_refreshes(form: Form, api: Api) -> None:
    form.watch.expected.append("status of 422")
    key = api.sample(nick="plain")["id"]
    form.open(key)
    form.button("Praise").click()
    dialog = form.page.get_by_role("dialog", name="Praise")
    expect(dialog).to_contain_text("Praise 1 sample?")
    dialog.get_by_label("Words").fill("ab")
    dialog.get_by_role("button", name="Run").click()
    expect(dialog.get_by_label("Words")).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_text("At least 3 characters are required.").first).to_be_visible()
    dialog.get_by_label("Words").fill("splendid")
    dialog.get_by_role("button", name="Run").click()
    expect(dialog).to_be_hidden()
    expect(form.label("Nick")).to_have_value("splendid")


def test_unsaved_changes_are_not_lost_by_leaving(form: Form, api: Api) -> None:
    key = api.sample()["id"]
    form.open(key)
    form.page.get_by_role("link", name="Back to Samples").click()
    form.page.wait_for_url("**/admin/samples")
    form.open(key)
    form.label("Nick").fill("typed")
    form.page.get_by_role("link", name="Back to Samples").click()
    dialog = form.page.get_by_role("dialog", name="There are unsaved changes")
    assert serious(form.page) == []
    dialog.get_by_role("button", name="Cancel").click()
    expect(form.label("Nick")).to_have_value("typed")
    form.page.get_by_role("link", name="Back to Samples").click()
    dialog.get_by_role("button", name="Leave without saving").click()
    form.page.wait_for_url("**/admin/samples")


def test_record_is_made_by_keyboard_alone(form: Form, api: Api) -> None:
    form.open(model="topics")
    press, typed = form.page.keyboard.press, form.page.keyboard.type
    for _ in range(60):
        press("Tab")
        if form.label("Name").evaluate("element => element === document.activeElement"):
            break
    typed("By hand")
    press("Control+s")
    expect(form.page.get_by_role("heading", name="By hand")).to_be_visible()

    form.open(api.sample(name="keys")["id"])
    form.page.get_by_role("combobox", name="Helper", exact=True).focus()
    typed("Maker 2")
    expect(form.page.get_by_role("listbox").get_by_role("option")).to_have_count(10)
    press("ArrowDown")
    press("ArrowDown")
    press("Enter")
    expect(form.page.get_by_role("combobox", name="Helper", exact=True)).to_have_value("Maker 21")
    press("Escape")
    press("Control+s")
    expect(form.page.locator(".message.success").last).to_be_visible()
    stored = api.call("GET", "samples?ordering=-id&per_page=1")["items"][0]
    assert (stored["name"], stored["helper_id"]) == ("keys", 21)


def test_form_fits_a_narrow_page_in_the_dark(form: Form, api: Api, kinds: Site) -> None:
    words = ["a", "b"]
    key = api.sample(words=words, topics=[1, 2], _inlines={"remarks": [{"body": "first"}]})["id"]
    form.page.emulate_media(color_scheme="dark")
    form.page.set_viewport_size({"width": 320, "height": 800})
    form.open(key)
    expect(form.label("Body, row 1")).to_be_visible()
    assert form.page.evaluate("document.documentElement.scrollWidth") <= 320
    assert serious(form.page) == []
    shoot(form.page, f"form-narrow-{kinds.kind}")


def test_fields_of_one_record_are_read_only(form: Form, api: Api) -> None:
    settled, free = (api.sample(name=name, nick="old")["id"] for name in ("settled", "free"))
    form.open(settled)
    expect(form.label("Flag")).to_be_editable()
    expect(form.page.locator("#field-nick")).to_have_text("old")
    for name in ("textbox", "combobox"):
        for field in ("Nick", "Maker"):
            expect(form.page.get_by_role(name, name=field, exact=True)).to_have_count(0)
    form.label("Flag").check()
    form.save_and_stay()
    form.open(free)
    form.label("Nick").fill("new")
    form.save_and_stay()
    assert api.call("GET", f"samples/{free}")["nick"] == "new"
