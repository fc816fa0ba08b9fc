"""`Inline`: records of another model, edited on the page of the one they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .resource import Resource

__all__ = ["Inline", "ResolvedInline"]


class Inline:
    """Rows of `model` whose foreign key points at the record of the page.

    `fk` names the relation if there are several, `fields` the shown fields in order. At most `max`
    rows are written in one request.
    """

    __slots__ = ("can_delete", "fields", "fk", "max", "model")

    def __init__(
        self,
        model: type[Any],
        *,
        fk: str | None = None,
        fields: Sequence[str] | None = None,
        max: int = 50,
        can_delete: bool = True,
    ) -> None:
        if isinstance(fields, str):
            raise TypeError("Inline(fields=...) takes a list of names")
        if max < 1:
            raise ValueError("Inline(max=...) must be at least 1")
        self.model = model
        self.fk = fk
        self.fields = None if fields is None else tuple(fields)
        self.max = max
        self.can_delete = can_delete


@dataclass(frozen=True, slots=True)
class ResolvedInline:
    """An inline whose model and foreign key are known.

    `name` is the slug of the model, followed by "." and the relation if the page has several inlines
    of it. `fk` is the relation of `resource` that points at the page's record; its id fields are
    `resource.fields[fk].ids`. `fields` are names of fields of `resource`, without that relation.
    """

    name: str
    label: str
    resource: Resource
    fk: str
    fields: tuple[str, ...]
    max: int
    can_delete: bool
