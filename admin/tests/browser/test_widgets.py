"""Each widget through the real server: what is entered is stored, shown again and left alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from kinds_site import Api, Form, api, desk, form, kinds
from playwright.sync_api import expect
from pydantic import TypeAdapter

from conftest import Site, serious, shoot

__all__ = ["api", "desk", "form", "kinds"]

ENTERED: dict[str, tuple[str, Any]] = {
    "Name": ("every kind", "every kind"),
    "Whole": ("9223372036854775807", 9223372036854775807),
    "Price": ("12345678901234567.125", "12345678901234567.125"),
    "Ratio": ("0.1", "0.1"),
    "Nick": ("Łukasz 山", "Łukasz 山"),
    "Story": ("two\nlines", "two\nlines"),
    "Email": ("ann@example.org", "ann@example.org"),
    "Home": ("https://example.org/a?b=c", "https://example.org/a?b=c"),
    "Secret": ("hush", "**********"),
    "Colour": ("#a0b1c2", "#a0b1c2"),
    "Slug": ("a-slug", "a-slug"),
    "Text": ("# Title\n\n**bold**", "# Title\n\n**bold**"),
    "Local: date": ("2024-03-31", None),
    "Local: time": ("02:30:00.000001", None),
    "Moment: date": ("2024-07-02", None),
    "Moment: time": ("00:15:30.123456", None),
    "Day": ("2024-02-29", "2024-02-29"),
    "Hour": ("23:59:59.5", "23:59:59.500000"),
    "Length": ("1d 2:03:04.5", None),
    "Uid": ("123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-42d3-a456-426614174000"),
    "Host": ("10.0.0.7", "10.0.0.7"),
    "Net": ("10.0.0.0/8", "10.0.0.0/8"),
    "Extra": (
        '{"big": 12345678901234567890123, "b": [1, null]}',
        {"big": 12345678901234567890123, "b": [1, None]},
    ),
    "Grid": ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
}


def fill_everything(form: Form) -> None:
    form.open()
    for label, (typed, _) in ENTERED.items():
        form.label(label).fill(typed)
        form.label(label).blur()
    form.pick("Maker", "Maker 07", "Maker 07")
    form.label("Flag").check()
    form.group("Maybe").get_by_label("No", exact=True).check()
    form.label("Size").select_option("l")
    form.label("Data").set_input_files({"name": "a.bin", "mimeType": "x/y", "buffer": b"\x00\xffdata"})
    form.label("Mood").select_option("glad")
    form.pick("Month", "oc", "oct")
    form.group("Moods").get_by_label("calm").check()
    form.button("Words: add").click()
    form.label("Words, item 1").fill("first")
    form.page.keyboard.press("Enter")
    form.page.keyboard.type("second")
    form.button("Numbers: add").click()
    form.label("Numbers, item 1").fill("-9007199254740993")
    form.label("Facts: no value").uncheck()
    form.label("Height").fill("12")
    form.group("Topics").get_by_role("combobox").click()
    form.page.get_by_role("option", name="Topic 2").click()


def test_every_kind_is_stored_shown_again_and_left_alone(form: Form, api: Api, kinds: Site) -> None:
    fill_everything(form)
    shoot(form.page, f"form-filled-{kinds.kind}")
    assert serious(form.page) == []
    form.save_and_stay()
    key = form.key()
    stored = api.call("GET", f"samples/{key}")
    for label, (_, expected) in ENTERED.items():
        if expected is not None:
            found = stored[label.lower()]
            assert (found if label != "Hour" else found.ljust(15, "0")) == expected, label
    assert stored["local"].startswith("2024-03-31T02:30:00.000001")
    length = TypeAdapter(timedelta).validate_python(stored["length"])
    assert length == timedelta(days=1, hours=2, minutes=3, seconds=4.5)
    assert stored["moment"] == "2024-07-01T22:15:30.123456+00:00"
    assert (stored["maker_id"], stored["helper_id"], stored["maker"]) == (7, None, None)
    assert (stored["flag"], stored["maybe"], stored["size"], stored["mood"]) == (True, False, "l", "glad")
    assert (stored["month"], stored["moods"], stored["words"]) == ("oct", ["calm"], ["first", "second"])
    assert stored["numbers"] == [-9007199254740993]
    assert stored["facts"] == {"height": 12, "note": None, "paths": []}
    assert stored["data"] == "AP9kYXRh"
    assert [topic["name"] for topic in stored["topics"]] == ["Topic 2"]

    form.open(key)
    expect(form.label("Moment: date")).to_have_value("2024-07-02")
    expect(form.label("Moment: time")).to_have_value("00:15:30.123456")
    expect(form.label("Whole")).to_have_value("9223372036854775807")
    expect(form.label("Price")).to_have_value("12345678901234567.125")
    expect(form.label("Extra")).to_have_value(
        '{\n  "big": 12345678901234567890123,\n  "b": [\n    1,\n    null\n  ]\n}'
        if kinds.kind == "sqlite"
        else '{\n  "b": [\n    1,\n    null\n  ],\n  "big": 12345678901234567890123\n}'
    )
    expect(form.page.get_by_role("combobox", name="Maker", exact=True)).to_have_value("Maker 07")
    expect(form.page.get_by_role("link", name="Topic 2")).to_be_visible()
    with form.page.expect_request(lambda request: request.method == "PATCH") as sent:
        form.save_and_stay()
    assert sent.value.post_data == "{}"
    assert api.call("GET", f"samples/{key}") == stored


def test_null_and_empty_text_are_both_entered(form: Form, api: Api) -> None:
    key = api.sample(nick="x", story="y")["id"]
    form.open(key)
    form.label("Nick").fill("")
    form.label("Story: no value").check()
    form.save_and_stay()
    stored = api.call("GET", f"samples/{key}")
    assert (stored["nick"], stored["story"]) == ("", None)
    expect(form.label("Nick: no value")).not_to_be_checked()
    expect(form.label("Story: no value")).to_be_checked()


def test_secret_is_kept_replaced_and_never_shown(form: Form, api: Api) -> None:
    key = api.sample(secret="first")["id"]
    form.open(key)
    expect(form.label("Secret")).to_have_value("")
    expect(form.label("Secret")).to_have_attribute("placeholder", "Unchanged")
    form.label("Nick").fill("n")
    with form.page.expect_request(lambda request: request.method == "PATCH") as sent:
        form.save_and_stay()
    assert sent.value.post_data_json == {"nick": "n"}
    form.label("Secret: no value").check()
    form.save_and_stay()
    assert api.call("GET", f"samples/{key}")["secret"] is None


def test_mistakes_are_told_at_the_input_and_keep_the_form(form: Form) -> None:
    form.open()
    wrong = {
        "Whole": "9223372036854775808",
        "Price": "1,5",
        "Hour": "25:00",
        "Uid": "abc",
        "Net": "10.0.0.1/8",
    }
    for label, typed in {**wrong, "Length": "soon", "Extra": '{"a": 1,\n b: 2}', "Email": "ann"}.items():
        form.label(label).fill(typed)
        expect(form.label(label)).to_have_attribute("aria-invalid", "true")
    expect(form.page.get_by_text("line 2, column 2")).to_be_visible()
    form.button("Save and continue").click()
    summary = form.page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("8 problems")
    assert serious(form.page) == []
    summary.get_by_role("button", name="Uid").click()
    expect(form.label("Uid")).to_be_focused()
    form.label("Uid").fill("")
    expect(form.label("Uid")).not_to_have_attribute("aria-invalid", "true")


def test_list_is_filled_by_pasting_and_ordered_by_keyboard(form: Form, api: Api) -> None:
    key = api.sample(words=["a"])["id"]
    form.open(key)
    form.label("Words, item 1").focus()
    form.page.evaluate(
        """() => {
            const data = new DataTransfer()
            data.setData("text", "x\\ny\\r\\nz")
            document.activeElement.dispatchEvent(
                new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}))
        }"""
    )
    expect(form.label("Words, item 3")).to_be_focused()
    form.page.keyboard.press("Alt+ArrowUp")
    expect(form.label("Words, item 2")).to_be_focused()
    expect(form.label("Words, item 2")).to_have_value("z")
    form.button("Words: remove item 1").click()
    form.save_and_stay()
    assert api.call("GET", f"samples/{key}")["words"] == ["z", "y"]


def test_hour_that_the_clock_shows_twice_is_told_apart(form: Form, api: Api) -> None:
    key = api.sample(moment="2024-10-27T01:30:00+00:00")["id"]
    form.open(key)
    expect(form.label("Moment: time")).to_have_value("02:30:00")
    offset = form.label("Moment: offset from UTC")
    expect(offset.locator("option:checked")).to_have_text("UTC+01:00")
    offset.select_option(label="UTC+02:00")
    form.save_and_stay()
    assert api.call("GET", f"samples/{key}")["moment"] == "2024-10-27T00:30:00+00:00"
    form.label("Moment: date").fill("2024-03-31")
    form.label("Moment: date").blur()
    expect(form.page.get_by_text("never shows this time")).to_be_visible()


def test_file_is_downloaded_and_taken_away(form: Form, api: Api) -> None:
    key = api.sample(data="AP9kYXRh")["id"]
    form.open(key)
    expect(form.page.get_by_text("Stored: 6 byte")).to_be_visible()
    with form.page.expect_download() as started:
        form.page.get_by_role("link", name="Data: download").click()
    assert started.value.path().read_bytes() == b"\x00\xffdata"
    form.button("Data: remove the file").click()
    form.save_and_stay()
    assert api.call("GET", f"samples/{key}")["data"] is None


def test_relation_is_searched_paged_opened_and_cleared(form: Form, api: Api) -> None:
    key = api.sample(helper_id=3)["id"]
    form.open(key)
    box = form.page.get_by_role("combobox", name="Helper", exact=True)
    expect(box).to_have_value("Maker 03")
    box.click()
    options = form.page.get_by_role("listbox", name="Helper: choices").get_by_role("option")
    expect(options).to_have_count(26)
    form.page.keyboard.press("ArrowUp")
    form.page.keyboard.press("Enter")
    expect(options).to_have_count(40)
    expect(form.page.get_by_text("The first 40 are shown")).to_be_visible()
    assert serious(form.page) == []
    form.page.keyboard.press("Escape")
    expect(box).to_have_value("Maker 03")
    with form.page.expect_popup() as opened:
        form.page.get_by_role("link", name="Open Maker 03 in a new tab").click()
    opened.value.wait_for_url("**/makers/3")
    opened.value.close()
    form.button("Helper: clear").click()
    expect(box).to_be_focused()
    form.save_and_stay()
    assert api.call("GET", f"samples/{key}")["helper_id"] is None


def test_target_is_created_in_a_dialog(form: Form, api: Api) -> None:
    name = "Made here"
    key = api.sample()["id"]
    form.open(key)
    form.watch.expected.append("status of 422")
    opener = form.button("Helper: create a record")
    opener.click()
    dialog = form.page.get_by_role("dialog", name="Create Makers")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Name: A value is required.")
    assert serious(form.page) == []
    dialog.get_by_label("Name", exact=False).first.fill(name)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    expect(form.page.get_by_role("combobox", name="Helper", exact=True)).to_have_value(name)
    form.save_and_stay()
    maker = api.call("GET", f"samples/{key}")["helper_id"]
    assert api.call("GET", f"makers/{maker}")["name"] == name
    api.call("PATCH", f"samples/{key}", {"helper_id": None})
    api.call("DELETE", f"makers/{maker}")
