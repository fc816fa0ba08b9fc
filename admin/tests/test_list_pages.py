"""Lists: pages, positions, totals, fields, nested lists, labels (contract, 7.1)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import depots
import pytest
from everywhere import EVERYWHERE
from reading import listed, parcels

from oxyde_admin.exceptions import InvalidParameterError
from oxyde_admin.site import AdminSite

Panels = Callable[..., AdminSite]

ORDERS = [
    "",
    "-id",
    "weight",
    "-weight,code",
    "ratio",
    "-ratio",
    "due,-ratio",
    "fragile,-due,weight",
    "grade",
    "-grade,-fragile",
    "depot__city,-weight",
    "origin__name",
    "-origin__name,price",
    "origin_id",
    "price",
]


def codes(items: list[dict[str, Any]]) -> list[str]:
    return [item["code"] for item in items]


@EVERYWHERE
@pytest.mark.parametrize("ordering", ORDERS)
async def test_next_visits_every_row_once_and_prev_leads_back(panel: AdminSite, ordering: str) -> None:
    await parcels(23)
    whole = codes((await listed(panel, depots.Parcel, ordering=ordering, per_page=100)).items)
    assert sorted(whole) == sorted({f"P-{i}" for i in range(23)})
    found = await listed(panel, depots.Parcel, ordering=ordering, per_page=4)
    assert found.prev is None
    seen, pages = codes(found.items), [codes(found.items)]
    while found.next:
        found = await listed(panel, depots.Parcel, ordering=ordering, per_page=4, after=found.next)
        pages.append(codes(found.items))
        seen += pages[-1]
    assert seen == whole
    for expected in reversed(pages[:-1]):
        assert found.prev is not None
        found = await listed(panel, depots.Parcel, ordering=ordering, per_page=4, before=found.prev)
        assert codes(found.items) == expected
    assert found.prev is None


async def test_a_cursor_of_another_order_is_refused(panel: AdminSite) -> None:
    await parcels(5)
    found = await listed(panel, depots.Parcel, ordering="weight", per_page=2)
    with pytest.raises(InvalidParameterError):
        await listed(panel, depots.Parcel, ordering="-weight", per_page=2, after=found.next)
    for broken in ("x", "AAAA", "W10", found.next[:-3] if found.next else "", "é"):
        with pytest.raises(InvalidParameterError):
            await listed(panel, depots.Parcel, ordering="weight", after=broken)


async def test_forged_cursors_are_refused(panel: AdminSite) -> None:
    await parcels(3)
    found = await listed(panel, depots.Parcel, ordering="weight", per_page=1)
    assert found.next is not None
    signature, _ = json.loads(base64.urlsafe_b64decode(found.next + "=="))
    for forged in ("x", [1], [1, 2, 3], ["\ud800", 1], [{}, 1], [True, 1], [float("nan"), 1], 7, None):
        text = json.dumps([signature, forged])
        cursor = base64.urlsafe_b64encode(text.encode()).decode()
        with pytest.raises(InvalidParameterError):
            await listed(panel, depots.Parcel, ordering="weight", after=cursor)
