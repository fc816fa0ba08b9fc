"""What is hidden leaves the panel by no route and in no form, and is written by none.

Every name that is hidden has `zzq` in it and every value `markzz`: each answer, headers and the
inside of workbooks included, is searched for both. Where a request itself must name something
hidden, its answer must be the one that a name gets which never existed.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import servers
from client import Answer, Client
from everywhere import databases
from hiding import ALL, TRACES, Label, Note, Vault, VaultLabel, Visit, ZzqVaultLabel, fill, new_site

from oxyde import create_tables, db
from oxyde_admin.site import AdminSite


@pytest.fixture(params=databases("sqlite", "postgres"))
async def site(request: pytest.FixtureRequest) -> AsyncIterator[AdminSite]:
    with servers.fresh_database(request.param) as place:
        await db.init(default=place.url)
        try:
            await create_tables(await db.get_connection(), models=list(ALL))
            await fill()
            yield new_site()
        finally:
            await db.close()


def traces_in(answer: Answer) -> list[bytes]:
    content = answer.content
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            content = b"".join(book.read(name) for name in book.namelist())
    content += repr(answer.pairs).encode()
    return [
        found for trace in TRACES for found in re.findall(rb".{0,60}" + trace + rb".{0,40}", content.lower())
    ]


READS = [
    "/api/config",
    "/api/models",
    "/api/models/counts",
    "/api/-/dashboard",
    "/api/-/openapi.json",
    "/api/-/audit",
    "/api/-/session",
    "/api/vaults/schema",
    "/api/labels/schema",
    "/api/notes/schema",
    "/api/visits/schema",
    "/api/vaults",
    "/api/vaults?count=exact&per_page=1",
    "/api/vaults?ordering=-title",
    "/api/vaults?search=vault",
    "/api/vaults?labels=1",
    "/api/labels",
    "/api/notes",
    "/api/visits",
    "/api/visits?vault=1",
    "/api/vaults/1",
    "/api/labels/1",
    "/api/notes/1",
    "/api/visits/1",
    "/api/vaults/options",
    "/api/vaults/options?include=1,2",
    "/api/labels/options",
    "/api/labels/options?search=1",
    "/api/visits/options",
    "/api/vaults/1/-/history",
    "/api/vaults/2/-/inlines/notes",
    *(
        f"/api/{m}/export?format={f}"
        for m in ("vaults", "labels", "notes", "visits")
        for f in ("csv", "json", "xlsx")
    ),
    "/api/vaults/export?format=csv&ids=1,2&ordering=-title",
    "/api/zzq~5Fowners",
    "/",
    "/vaults",
]
ABSENT = ("/api/zzq~5Fowners", "/", "/vaults")
"""Nobody but the chief may see the first; the page is there once the front end is built."""


async def test_no_read_shows_it(site):
    for path in READS:
        answer = await Client(site).get(path)
        assert answer.status == 200 or path in ABSENT, (path, answer.text)
        assert traces_in(answer) == [], path


def _writes() -> list[tuple[str, str, Any]]:
    both = {"ids": [1, 2]}
    return [
        ("POST", "/api/vaults", {"title": "new"}),
        ("POST", "/api/vaults", {"title": "x" * 99}),
        ("POST", "/api/vaults", {}),
        ("PATCH", "/api/vaults/1", {"title": "other"}),
        ("PATCH", "/api/vaults/1", {"title": None}),
        ("PATCH", "/api/vaults/1", {"labels": [1, 2]}),
        ("PATCH", "/api/vaults/1", {"labels": [99]}),
        ("PATCH", "/api/vaults/2", {"_inlines": {"notes": [{"id": 1, "text": "other"}, {"text": "more"}]}}),
        ("PATCH", "/api/labels/1", {"shade": "red"}),
        ("POST", "/api/labels", {"shade": "blue"}),
        ("POST", "/api/notes", {"vault": 1, "text": "n"}),
        ("POST", "/api/notes", {"vault": 99, "text": "n"}),
        ("POST", "/api/vaults/bulk-update", {**both, "data": {"title": "same"}}),
        ("POST", "/api/vaults/-/delete-preview", both),
        ("POST", "/api/vaults/-/actions/count", both),
        ("DELETE", "/api/vaults/2", None),
        ("DELETE", "/api/vaults/1", None),
        ("POST", "/api/vaults/bulk-delete", both),
        ("POST", "/api/visits/bulk-delete", {"ids": [1]}),
    ]


async def test_no_write_shows_it_nor_does_the_history_of_them(site):
    client = Client(site)
    for method, path, data in _writes():
        answer = await client.request(method, path, data=data)
        assert answer.status < 500, (method, path, answer.text)
        assert traces_in(answer) == [], (method, path)
    for path in ("/api/-/audit", "/api/vaults/1/-/history", "/api/-/dashboard", "/api/labels/1/-/history"):
        answer = await client.get(path)
        assert traces_in(answer) == [], path
    assert (await client.get("/api/-/audit")).json()["items"]


async def test_no_import_shows_it(site):
    client = Client(site)
    for body in (
        b"title\r\nfrom a file\r\n",
        b"text,vault\r\nhello,99\r\n",
        b'title\r\n"' + b"x" * 99 + b'"\r\n',
    ):
        for model in ("vaults", "notes"):
            for query in ("dry_run=true", "dry_run=false", "mode=upsert"):
                answer = await client.post(
                    f"/api/{model}/-/import?{query}", body=body, headers={"content-type": "text/csv"}
                )
                assert answer.status < 500, answer.text
                assert traces_in(answer) == []


async def test_a_stale_record_shows_only_what_may_be_seen(site):
    answer = await Client(site).patch("/api/vaults/1", {"title": "b"}, headers={"if-match": '"other"'})
    assert answer.status == 412
    assert traces_in(answer) == []


NAMES = [
    "zzq_first",
    "zzq_kept",
    "zzq_kept_col",
    "zzq_role",
    "zzq_level",
    "zzq_detail",
    "zzq_needed",
    "zzq_version",
    "zzq_owner",
    "zzq_owner_id",
    "zzq_owner__zzq_name",
    "zzq_labels",
    "labels__zzq_text",
]


async def test_a_hidden_name_is_answered_like_one_that_never_was(site):
    """By whatever the name is asked: filter, order, columns, bulk, actions, files, import."""
    client = Client(site)

    async def asked(name: str) -> list[tuple[int, str]]:
        data, both = {name: "markzz-first-1"}, {"ids": [1, 2]}
        where = {"where": {"filters": {name: "1"}}, "expect": 0}
        csv = {"content-type": "text/csv"}
        answers = [
            await client.get(f"/api/vaults?{name}=1"),
            await client.get(f"/api/vaults?{name}__isnull=true"),
            await client.get(f"/api/vaults?{name}__in=1,2"),
            await client.get(f"/api/vaults?ordering={name}"),
            await client.get(f"/api/vaults?ordering=-{name}"),
            await client.get(f"/api/vaults?fields={name}"),
            await client.get(f"/api/vaults?search={name}"),
            await client.get(f"/api/vaults/export?format=csv&columns={name}"),
            await client.get(f"/api/vaults/export?format=csv&{name}=1"),
            await client.get(f"/api/vaults/export?format=json&ordering={name}"),
            await client.get(f"/api/vaults/1/-/blob/{name}"),
            await client.get(f"/api/visits?vault__{name}=1"),
            await client.get(f"/api/visits?ordering=vault__{name}"),
            await client.patch("/api/vaults/1", data),
            await client.post("/api/vaults/bulk-update", {**both, "data": data}),
            await client.post("/api/vaults/bulk-update", {**where, "data": {"title": "a"}}),
            await client.post("/api/vaults/-/actions/count", where),
            await client.post("/api/vaults/bulk-delete", where),
            await client.post(
                "/api/vaults/-/import?mode=update", body=f"id,{name}\r\n1,1\r\n".encode(), headers=csv
            ),
            await client.post("/api/vaults", {"title": "t", name: "markzz-first-1"}),
        ]
        return [(each.status, _without_request(each.text.replace(name, "NAME"))) for each in answers]

    for name in NAMES:
        unknown = "__".join("a" * len(part) if "zzq" in part else part for part in name.split("__"))
        assert await asked(name) == await asked(unknown), name


def _without_request(text: str) -> str:
    return re.sub(r'"request_id":"[^"]*"', "", text)


async def test_no_search_finds_what_is_hidden(site):
    client = Client(site)
    for text in ("markzz", "needed-1", "markzz-label-1", "markzz-owner"):
        found = (await client.get(f"/api/vaults?search={quote(text)}")).json()
        assert (found["items"], found["total"]) == ([], 0)
        assert (await client.get(f"/api/visits?search={quote(text)}")).json()["items"] == []
        for model in ("vaults", "labels"):
            assert (await client.get(f"/api/{model}/options?search={quote(text)}")).json() == []


async def test_the_default_order_does_not_tell(site):
    """Vault 2 stands first by the hidden field, which must not show in the order of the list."""
    client = Client(site)
    assert [each["title"] for each in (await client.get("/api/vaults")).json()["items"]] == [
        "Vault 1",
        "Vault 2",
    ]
    chief = {"x-roles": "hr"}
    seen = (await client.get("/api/vaults", headers=chief)).json()["items"]
    assert [each["title"] for each in seen] == ["Vault 2", "Vault 1"]


async def test_etags_do_not_depend_on_it(site):
    client = Client(site)
    before = (await client.get("/api/vaults/1")).headers["etag"]
    await Vault.objects.filter(id=1).update(zzq_needed="markzz-other", zzq_role=55, zzq_version=9)
    assert (await client.get("/api/vaults/1")).headers["etag"] == before
    await Vault.objects.filter(id=1).update(title="changed")
    assert (await client.get("/api/vaults/1")).headers["etag"] != before


async def test_it_is_written_by_nothing(site):
    client = Client(site)
    before = await _stored()
    sent = {
        "zzq_first": "a",
        "zzq_kept": "a",
        "zzq_kept_col": "a",
        "zzq_role": 77,
        "zzq_level": "markzz-high",
        "zzq_detail": {"zzq_word": "a"},
        "zzq_needed": "a",
        "zzq_version": 77,
        "zzq_owner": None,
        "zzq_owner_id": None,
        "zzq_labels": [2],
    }
    for title in ("one", "two"):
        assert (await client.patch("/api/vaults/1", {**sent, "title": title})).status == 200
        changed = {"ids": [1, 2], "data": {**sent, "title": title}}
        assert (await client.post("/api/vaults/bulk-update", changed)).status == 200
    only_hidden = await client.post("/api/vaults/bulk-update", {"ids": [1, 2], "data": sent})
    assert only_hidden.json() == {"updated": 0}
    notes = {"_inlines": {"notes": [{"id": 1, "text": "x", "zzq_remark": "a"}]}}
    assert (await client.patch("/api/vaults/2", notes)).status == 200
    assert (await client.patch("/api/labels/1", {"zzq_text": "a", "shade": "s"})).status == 200
    after = await _stored()
    assert after == before
    assert (await client.get("/api/vaults/1")).json()["title"] == "two"
    # A required hidden field cannot be given, so nobody without it creates a vault.
    refused = await client.post("/api/vaults", {**sent, "title": "t"})
    assert refused.status == 422
    assert traces_in(refused) == []
    assert refused.json()["errors"][0]["loc"] == []


async def _stored() -> list[Any]:
    hidden = ["zzq_first", "zzq_kept", "zzq_role", "zzq_level", "zzq_detail", "zzq_needed", "zzq_owner_id"]
    return [
        await Vault.objects.order_by("id").values(*hidden).all(),
        await Label.objects.order_by("id").values_list("zzq_text", flat=True).all(),
        await Note.objects.order_by("id").values_list("zzq_remark", flat=True).all(),
        await ZzqVaultLabel.objects.order_by("vault_id", "label_id").values().all(),
    ]


async def test_whoever_may_see_it_does(site):
    """The same panel shows it to others: what hides it is the right, not that it is not there."""
    chief = {"x-roles": "hr"}
    client = Client(site)
    record = (await client.get("/api/vaults/1", headers=chief)).json()
    assert record["zzq_needed"] == "markzz-needed-1"
    assert "zzq_first" not in record
    assert "zzq_kept" not in record
    schema = (await client.get("/api/vaults/schema", headers=chief)).text
    assert "zzq_role" in schema
    assert "zzq_first" not in schema
    assert await VaultLabel.objects.count() == 2
    assert await Visit.objects.count() == 1
