"""What the tests of reading share: rights without a request, parcels in number."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import depots

from oxyde_admin.auth import AdminUser, AuthRequest
from oxyde_admin.options.context import AdminContext
from oxyde_admin.rows.lists import Page, page
from oxyde_admin.security.rights import Rights

if TYPE_CHECKING:
    from oxyde_admin.site import AdminSite


def rights_on(site: AdminSite, model: type[Any], *roles: str) -> Rights:
    """The rights of a user with these roles."""
    resource = site.registry.resource_of(model)
    assert resource is not None
    request = AuthRequest(headers={}, cookies={}, path="/", method="GET")
    user = AdminUser(id="u", roles=list(roles))
    return Rights(site, resource, AdminContext(user=user, request=request, model=model, action="view"))


async def listed(site: AdminSite, model: type[Any], *roles: str, **arguments: Any) -> Page:
    """A page with these arguments."""
    given = [(name, str(value)) for name, value in arguments.items()]
    return await page(rights_on(site, model, *roles), given)


async def parcels(number: int, **values: Any) -> list[depots.Parcel]:
    """So many parcels in two depots, with what differs among them."""
    homes = [await depots.Depot.objects.create(name=f"D{i}", city=f"C{i}") for i in range(2)]
    made = []
    for i in range(number):
        fields: dict[str, Any] = {
            "code": f"P-{i}",
            "depot": homes[i % 2],
            "origin": homes[0] if i % 3 == 0 else None,
            "weight": i % 4,
            "price": Decimal(i) / 4,
            "ratio": None if i % 2 else i / 8,
            "fragile": (None, True, False)[i % 3],
            "grade": list(depots.Grade)[i % 3],
            "due": None if i % 4 == 0 else date(2031, 1, 1 + i % 5),
        }
        made.append(await depots.Parcel.objects.create(**{**fields, **values}))
    return made
