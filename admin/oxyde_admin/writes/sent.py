"""What a body asks to write, sorted; what may not be written is dropped without a word.

Unknown, read-only and hidden names, keys and the rest are all dropped alike, so that nobody can
tell one from another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..exceptions import ErrorEntry, InvalidDataError
from ..values.decode import UNCHANGED, decode, with_secrets
from ..values.encode import STRUCTURES
from .failures import about

if TYPE_CHECKING:
    from ..options.resource import AdminField, Resource
    from ..security.rights import Rights

__all__ = ["INLINES", "Sent", "sort"]

INLINES = "_inlines"


@dataclass(slots=True)
class Sent:
    """`values` by field with a column, `links` by m2m relation, `inlines` by name; all still raw but
    decoded. `sent_as` holds id fields by the relation they were sent as, `asked` the values as the
    user has sent them, whatever hooks made of them."""

    values: dict[str, Any] = field(default_factory=dict)
    links: dict[str, Any] = field(default_factory=dict)
    inlines: dict[str, Any] = field(default_factory=dict)
    sent_as: dict[str, str] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values or self.links or self.inlines)

    @property
    def data(self) -> dict[str, Any]:
        """Values and links together, as hooks see them."""
        return {**self.values, **self.links}

    @property
    def by_user(self) -> set[str]:
        """Fields whose value is the user's own, not that of a hook or of the panel."""
        return {
            name for name, value in self.asked.items() if name in self.values and self.values[name] == value
        }

    def take(self, data: Mapping[str, Any], resource: Resource) -> None:
        """Takes over what a hook made of `data`, which may add fields of the model and leave some out."""
        self.values, self.links = {}, {}
        for name, value in data.items():
            target = resource.fields.get(name)
            if target is None or target.shape == "computed":
                raise ValueError(f"validate() of {resource.label} gave {name!r}, which is no field to write")
            if target.shape == "many_to_many":
                self.links[name] = value
            elif target.shape == "foreign_key":
                self.values.update(_parts(target, _key_of(resource, target, value)))
            else:
                self.values[name] = value


async def sort(
    rights: Rights, data: Mapping[str, Any], record: Any = None, only: Collection[str] | None = None
) -> Sent:
    """The part of `data` that this user may write into `record`, or into a new one.

    `only` narrows it to some fields, as inlines do. Raises InvalidDataError for values that cannot
    even be read, and for a foreign key that is given twice and differently.
    """
    resource = rights.resource
    closed = await rights.hidden() | await rights.readonly(record)
    sent, errors = Sent(), list[ErrorEntry]()
    for key, value in data.items():
        target = _writable(resource, key, closed, record is None, only)
        if target is None:
            continue
        try:
            if target.shape == "many_to_many":
                sent.links[target.name] = value
            elif target.shape == "foreign_key":
                _add_relation(sent, resource, target, value, data)
            elif (decoded := decode(value, target)) is not UNCHANGED:
                if record is not None and target.kind in STRUCTURES:
                    decoded = with_secrets(decoded, vars(record).get(target.name))
                sent.values.setdefault(target.name, decoded)
        except InvalidDataError as error:
            errors.extend(error.errors)
    if errors:
        raise InvalidDataError(errors=errors)
    sent.inlines = await _inlines(data.get(INLINES), rights)
    sent.asked = dict(sent.values)
    return sent


def _writable(
    resource: Resource, key: str, closed: Collection[str], new: bool, only: Collection[str] | None
) -> AdminField | None:
    name = resource.name_of(key)
    if name is None or name in closed or (only is not None and name not in only):
        return None
    target = resource.fields[name]
    if target.shape == "computed" or target.generated or target.excluded:
        return None
    if target.relation is not None and target.relation in closed:
        return None
    if not new and (target.primary_key or target.frozen or name == resource.admin.version_field):
        return None
    return target


def _add_relation(
    sent: Sent, resource: Resource, target: AdminField, value: Any, data: Mapping[str, Any]
) -> None:
    """Takes a foreign key that was given by its relation.

    A record that was read has its relations as null beside their ids: null says nothing where an id
    is given.
    """
    for name, part in _parts(target, value).items():
        column = resource.fields[name]
        given = [data[other] for other in _column_names(target, column) if other in data]
        if value is None and given:
            continue
        decoded = decode(part, column)
        if any(str(decode(other, column)) != str(decoded) for other in given):
            text = "The relation and its id differ."
            raise InvalidDataError(errors=[about("relation_contradiction", (target.name,), text)])
        sent.values[name] = decoded
        sent.sent_as[name] = target.name


def _column_names(target: AdminField, column: AdminField) -> set[str]:
    """What an id field may be called besides by its relation."""
    return {column.name, column.column.db_column} - {target.name}


def _key_of(resource: Resource, target: AdminField, value: Any) -> Any:
    """What the id fields are given for a record, which hooks may set; keys stay as they are."""
    if target.target is None or not isinstance(value, target.target):
        return value
    references = resource.model._db_meta.foreign_keys[target.name].references
    parts = [getattr(value, name) for name in references]
    return parts[0] if len(parts) == 1 else parts


def _parts(target: AdminField, value: Any) -> dict[str, Any]:
    """The values of the id fields; several are given as an array."""
    if len(target.ids) == 1:
        return {target.ids[0]: value}
    if value is None:
        return dict.fromkeys(target.ids)
    if not isinstance(value, (list, tuple)) or len(value) != len(target.ids):
        text = "The key of the target is an array of its parts."
        raise InvalidDataError(errors=[about("list_type", (target.name,), text)])
    return dict(zip(target.ids, value, strict=True))


async def _inlines(given: Any, rights: Rights) -> dict[str, Any]:
    """The inlines by name; names that do not exist for this user are dropped as other keys are."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidDataError(errors=[about("dict_type", (INLINES,), "Inlines are an object of lists.")])
    known = {name: inline for name, inline in rights.resource.inlines.items() if name in given}
    return {
        name: given[name]
        for name, inline in known.items()
        if await rights.of_resource(inline.resource).allows("view")
    }
