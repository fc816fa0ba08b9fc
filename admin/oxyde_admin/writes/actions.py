"""Custom actions: what was selected and filled in, checked, and the method called in a transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from .. import audit
from ..exceptions import AdminError, InvalidDataError, RecordNotFoundError
from ..options.model_admin import overrides
from ..problems import entries_of
from ..rows.among import among
from ..values.keys import key_to_json
from . import history
from .bound import BoundQuery
from .bulk import batches
from .failures import refusals
from .selection import bad_body, keys_of, selected
from .stored import locked
from .unit import enlist, writing

if TYPE_CHECKING:
    from ..http.call import Call
    from ..options.actions import Action, ActionResult
    from ..security.rights import Rights

__all__ = ["run_action"]


async def run_action(call: Call, name: str, body: Mapping[str, Any]) -> ActionResult:
    """Runs the action with what the body selects and fills in; all it writes is one transaction."""
    rights = call.rights(action=name)
    action = rights.resource.actions.get(name)
    if action is None:
        await rights.require("view")
        raise AdminError("There is no such action.", status=404, code="unknown_path")
    await rights.require(name)
    form = _filled(action, body.get("form"))
    async with writing(rights) as client:
        await enlist(rights, client)
        chosen, keys = await _chosen(call, rights, action, body, client)
        # Before it runs: afterwards there may be no such record.
        label_field, label = await history.label(rights, chosen) if action.scope == "row" else (None, "")
        async with refusals(rights):
            result = await action.run(rights.ctx, chosen, form)
        await audit.entry(
            call.site,
            rights.ctx,
            name,
            rights.resource,
            key=keys[0] if action.scope == "row" else None,
            label=label,
            label_field=label_field,
            changes={}
            if action.scope == "model"
            else {"keys": [key_to_json(rights.resource, key) for key in keys]},
        )
    return result


def _filled(action: Action, given: Any) -> Any:
    """What was filled in, as the action's form. Errors stand at its fields.

    Validated as JSON, so that strict forms take dates; numbers with a fraction are floats in JSON,
    who wants every digit sends text.
    """
    if action.form is None:
        return None
    if given is not None and not isinstance(given, Mapping):
        raise bad_body("form is an object.")
    try:
        return action.form.model_validate_json(json.dumps(given or {}, default=float))
    except ValidationError as error:
        raise InvalidDataError(errors=entries_of(error)) from error


async def _chosen(
    call: Call, rights: Rights, action: Action, body: Mapping[str, Any], client: Any
) -> tuple[Any, list[tuple[Any, ...]]]:
    """What the method is given: nothing, one record, or a query; and the keys of the rows."""
    if action.scope == "model":
        return None, []
    query = await selected(call, rights, body, client)
    keys = await keys_of(rights, query, client)
    if action.scope == "row":
        return await _one(rights, action, body, keys, client), keys
    await _require_each(rights, action, query, client)
    return _fixed(rights, await rights.rows(client), keys, client), keys


async def _one(
    rights: Rights, action: Action, body: Mapping[str, Any], keys: list[tuple[Any, ...]], client: Any
) -> Any:
    """The one record of the selection, which may be absent or out of sight."""
    found = await locked(rights, keys, client) if len(keys) == 1 else []
    if not found and len(body.get("ids", keys)) == 1:
        raise RecordNotFoundError
    if not found:
        raise bad_body("This action takes exactly one record.")
    await rights.require(action.name, found[0])
    return found[0]


async def _require_each(rights: Rights, action: Action, query: Any, client: Any) -> None:
    """Refuses the whole selection for one record that is refused."""
    if not overrides(rights.resource.admin, "can"):
        return
    async for records in batches(rights, query, client):
        for record in records:
            await rights.require(action.name, record)


def _fixed(rights: Rights, rows: Any, keys: list[tuple[Any, ...]], client: Any) -> Any:
    """Exactly the rows that were checked, among those of the user: an action that changes what was
    filtered by goes on seeing them."""
    chosen = among(rows, rights.resource.keys, keys)
    return chosen if rights.resource.using is None else BoundQuery(chosen, client)
