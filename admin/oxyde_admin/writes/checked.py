"""What was sent, validated as a whole: constraints, field validators and those of the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from ..exceptions import InvalidDataError
from ..values.encode import STRUCTURES
from . import hooks
from .failures import entries

if TYPE_CHECKING:
    from ..security.rights import Rights
    from .sent import Sent

__all__ = ["checked", "reviewed"]


async def reviewed(rights: Rights, sent: Sent, record: Any) -> None:
    """Hands what was sent to the `validate` hook and takes over what it makes of it."""
    data = rights.ctx.changes = sent.data
    result = await hooks.run(rights, "validate", data, record)
    sent.take(data if result is None else result, rights.resource)


async def checked(rights: Rights, sent: Sent, stored: Mapping[str, Any]) -> Any:
    """An instance of what was sent over what is stored. Raises InvalidDataError."""
    model = rights.resource.model
    values = {name: _typed(model, name, value) for name, value in sent.values.items()}
    try:
        return model.model_validate({**stored, **values})
    except ValidationError as error:
        hidden = await rights.hidden()
        raise InvalidDataError(errors=entries(error, rights.resource, hidden, sent.sent_as)) from error


def _typed(model: Any, name: str, value: Any) -> Any:
    """JSON for what may be strict as the Python object that it stands for.

    Strict validation of Python objects refuses the text of a date; that of JSON takes it. Models
    inside of JSON columns may be strict on their own. What the type does not take stays as it is,
    for the model to say so.
    """
    if not isinstance(value, (str, list, dict)):
        return value
    column, strict = model._db_meta.columns[name], _is_strict(model, name)
    if not strict and not (isinstance(value, (list, dict)) and column.column_type.kind in STRUCTURES):
        return value
    try:
        return _adapter(column.python_type).validate_json(json.dumps(value), strict=strict or None)
    except (ValidationError, TypeError):
        return value


def _is_strict(model: Any, name: str) -> bool:
    info = model.model_fields[name]
    marks = [mark.strict for mark in info.metadata if isinstance(getattr(mark, "strict", None), bool)]
    return bool(marks[-1] if marks else model.model_config.get("strict", False))


@lru_cache(maxsize=256)
def _adapter(python_type: Any) -> TypeAdapter[Any]:
    return TypeAdapter(python_type)
