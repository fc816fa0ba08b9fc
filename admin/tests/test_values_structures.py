"""What sub-models in JSON columns hold, read and written back: nothing of it changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from client import Client
from everywhere import ON_ALL
from pydantic import BaseModel, SecretStr

from oxyde import AsyncDatabase, Field, Model, create_tables
from oxyde_admin.site import AdminSite


class Seal(BaseModel):
    name: str
    print: bytes
    key: SecretStr = SecretStr("")


class Box(Model):
    id: int | None = Field(default=None, db_pk=True)
    seal: Seal | None = None
    seals: list[Seal] = Field(default_factory=list)
    prints: dict[str, list[bytes]] = Field(default_factory=dict)
    files: list[bytes] = Field(default_factory=list)
    note: str = ""

    class Meta:
        is_table = True
        table_name = "sealed_boxes"


@pytest.fixture
async def boxes(database: AsyncDatabase) -> Client:
    await create_tables(database, models=[Box])
    await Box.objects.create(
        seal=Seal(name="a", print="abc ü".encode(), key=SecretStr("s3cret")),
        seals=[Seal(name=name, print=b"QUJD", key=SecretStr(f"key of {name}")) for name in "bc"],
        prints={"left": [b"x", b"YWJj"], "none": []},
        files=[b"\x00\xff", b"text"],
    )
    site = AdminSite()
    site.register(Box)
    return Client(site)


async def stored() -> Any:
    return await Box.objects.get(id=1)


@ON_ALL
async def test_bytes_and_secrets_written_back_are_what_they_were(boxes: Client) -> None:
    before = await stored()
    first = await boxes.get("/api/sealed_boxes/1")
    assert "s3cret" not in first.text and "key of" not in first.text
    answer = await boxes.patch("/api/sealed_boxes/1", json.loads(first.text))
    assert answer.status == 200, answer.text
    assert answer.content == first.content
    after = await stored()
    assert after == before
    assert after.seal.key.get_secret_value() == "s3cret"


async def test_secrets_within_are_changed_beside_others_that_are_kept(boxes: Client) -> None:
    seals = (await boxes.get("/api/sealed_boxes/1")).json()["seals"]
    seals[0]["key"], seals[1]["name"] = "new", "d"
    seals.append({"name": "e", "print": "p", "key": "third"})
    answer = await boxes.patch("/api/sealed_boxes/1", {"seals": seals})
    assert answer.status == 200, answer.text
    found = (await stored()).seals
    assert [(one.name, one.key.get_secret_value()) for one in found] == [
        ("b", "new"),
        ("d", "key of c"),
        ("e", "third"),
    ]
