"""Labels: the short text by which a record is known where it is a target (contract, 3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from ..options.paths import Path, follow
from ..values.encode import as_text, encode
from ..values.keys import key_to_text
from .guards import guarded
from .reading import read

if TYPE_CHECKING:
    from ..options.resource import AdminField
    from ..security.rights import Rights

__all__ = ["display_path", "fk_labels", "label_of", "labels", "read_labelled"]

_LABEL = "oxyde_admin_label"


async def display_path(rights: Rights) -> Path | None:
    """The path whose value is the label for this user; None: the key is."""
    name = await rights.display()
    return None if name is None else follow(rights.resource.model, name)


async def read_labelled(
    rights: Rights, query: Any, names: Iterable[str] = (), *, client: Any = None
) -> list[tuple[dict[str, Any], str]]:
    """The rows of a query, their key and the fields `names` only, each with its label."""
    resource, path = rights.resource, await display_path(rights)
    wanted: dict[str, AdminField] = {name: resource.fields[name] for name in (*resource.keys, *names)}
    extra: dict[str, Any] = {}
    if path is not None and path.text in resource.fields:
        wanted[path.text] = resource.fields[path.text]
    elif path is not None:
        extra[_LABEL] = await guarded(rights, path)
    rows = await read(query, wanted, resource.on(client), extra)
    return [(row, _label(rights, path, row)) for row in rows]


async def labels(rights: Rights, name: str, values: Collection[Any], *, client: Any = None) -> dict[Any, str]:
    """The labels of the records whose field `name` has one of these values, by that value.

    Records outside of the user's rows are left out. One statement.
    """
    if not values:
        return {}
    query = (await rights.rows(client)).filter(**{f"{name}__in": list(values)}).order_by()
    return {row[name]: text for row, text in await read_labelled(rights, query, [name], client=client)}


def _label(rights: Rights, path: Path | None, row: dict[str, Any]) -> str:
    value = None if path is None else row.get(_LABEL, row.get(path.text))
    if path is not None and value is not None and path.field is not None:
        text = as_text(encode(value, path.field))
        if text:
            return text
    return key_to_text(rights.resource, tuple(row[name] for name in rights.resource.keys))


async def label_of(rights: Rights, obj: Any, *, client: Any = None) -> str:
    """The label of one record, asked of the database only if it lies in another table."""
    resource, path = rights.resource, await display_path(rights)
    held = vars(obj)
    if path is None or path.text in held:
        return _label(rights, path, held)
    query = (await rights.rows(client)).filter(**{name: held[name] for name in resource.keys}).limit(1)
    found = await read_labelled(rights, query, client=client)
    return found[0][1] if found else _label(rights, None, held)


async def fk_labels(
    rights: Rights, relations: Iterable[AdminField], rows: Iterable[dict[str, Any]]
) -> dict[str, dict[str, str]]:
    """Labels of the foreign keys of these rows: `{id field: {id: label}}`, visible targets only.

    One statement per relation. Keys of several parts have no labels.
    """
    held, found = list(rows), {}
    for relation in relations:
        if len(relation.ids) != 1 or relation.target is None:
            continue
        target, name = rights.of(relation.target), relation.ids[0]
        if target is None or not await target.allows("view"):
            continue
        ids = {row[name] for row in held if row.get(name) is not None}
        reference = _reference(rights, relation)
        by_value = await labels(target, reference, ids)
        field = target.resource.fields[reference]
        found[name] = {as_text(encode(value, field)): text for value, text in by_value.items()}
    return found


def _reference(rights: Rights, relation: AdminField) -> str:
    """The field of the target that the foreign key holds."""
    reference: str = rights.resource.model._db_meta.foreign_keys[relation.name].references[0]
    return reference
