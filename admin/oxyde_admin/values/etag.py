"""Entity tags: what a record was when it was read (contract, 7.5)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .encode import encode_plain
from .records import record

if TYPE_CHECKING:
    from ..options.resource import AdminField, Resource

__all__ = ["etag"]


def etag(
    resource: Resource,
    obj: Any,
    visible: Iterable[AdminField],
    links: Mapping[str, Any] | None = None,
) -> str:
    """A strong tag, from `version_field` if there is one, else from the visible values.

    Hidden values have no part in it, not even hashed: a tag that changes would tell of them.
    `links` are the keys of the m2m targets by relation. Computed values depend on more than the
    record, so they have no part either.
    """
    version = resource.admin.version_field
    held = obj if isinstance(obj, Mapping) else vars(obj)
    key = [encode_plain(held[name]) for name in resource.keys]
    fields = [field for field in visible if field.shape == "column"]
    if version:
        named = [field for field in fields if field.name == version]
        fields = named or fields
        links = None if named else links
    content = [resource.slug, key, record(resource, obj, fields), links or {}]
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
