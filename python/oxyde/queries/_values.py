"""Values on their way into the database: instances to insert, constants to assign."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from .. import _core
from ..exceptions import ManagerError
from ._fields import column_fields, key_fields, unknown_field


def validate_assigned(instance: Any) -> None:
    """Validates what was assigned to the instance since it was made."""
    from ..models._values import validate_assigned as validate

    validate(instance)


def instance_of(
    model: Any, method: str, data: Mapping[str, Any] | None, instance: Any, values: dict[str, Any]
) -> Any:
    """The instance given, or a new one from the values given."""
    if instance is not None:
        if values or data:
            raise ManagerError(f"{method}() takes an instance or values, not both")
        if not isinstance(instance, model):
            raise ManagerError(
                f"{method}() takes an instance of {model.__name__}, not of {type(instance).__name__}"
            )
        validate_assigned(instance)
        return instance
    if data is not None:
        if not isinstance(data, Mapping):
            raise TypeError(f"{method}() takes a mapping of values, not {type(data).__name__}")
        values = {**data, **values}
    if not values and data is None:
        raise ManagerError(f"{method}() needs an instance or values")
    return model(**values)


@cache
def _own_hooks() -> tuple[Any, Any]:
    from ..models.base import Model

    return Model.pre_save, Model.post_save


def has_save_hooks(model: Any) -> bool:
    """Whether the class overrides pre_save or post_save."""
    before, after = _own_hooks()
    return model.pre_save is not before or model.post_save is not after


def checked_values(model: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by field name: expressions as they are, constants validated as in assignment."""
    from ..models._values import validate_field

    names = column_fields(model)
    checked: dict[str, Any] = {}
    for name, value in values.items():
        if name not in names:
            keys = key_fields(model)
            if name != "pk" or len(keys) != 1:
                raise unknown_field(model, name)
            name = keys[0]  # noqa: PLW2901
        if isinstance(value, _core.QueryState):
            from .expressions import Subquery

            value = Subquery(value)  # noqa: PLW2901
        checked[name] = value if isinstance(value, _core.Expr) else validate_field(model, name, value)
    return checked
