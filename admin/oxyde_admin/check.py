"""What a project asks before it goes live: `await panel.check()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import oxyde

if TYPE_CHECKING:
    from .site import AdminSite

__all__ = ["problems"]


async def problems(site: AdminSite) -> list[str]:
    """What is wrong: options naming nothing, missing tables, a panel open to everybody."""
    found = list(site.registry.problems())
    if site.settings.auth_provider is None and site.settings.auth_check is None:
        found.append("The panel admits everybody: give it an auth_provider.")
    return found + await _missing_tables(site)


async def _missing_tables(site: AdminSite) -> list[str]:
    found = []
    for model, alias in _tables(site):
        try:
            await model.objects.limit(1).values().all(using=alias)
        except oxyde.OxydeError as error:
            where = "" if alias is None else f" on {alias!r}"
            found.append(f"{model.__name__}: its table cannot be read{where}: {error}")
    return found


def _tables(site: AdminSite) -> list[tuple[Any, str | None]]:
    """Each table and its alias, None where that is the router's to say."""
    tables: list[tuple[Any, str | None]] = [(model, admin.using) for model, admin in site.models.items()]
    if site.settings.audit or site.settings.store == "database":
        from . import models

        own: list[type[Any]] = [models.AdminLogEntry] if site.settings.audit else []
        if site.settings.store == "database":
            own += [models.AdminSession, models.AdminThrottle]
        tables += [(model, None) for model in own]
    return tables
