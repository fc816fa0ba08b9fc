"""From a Python type or annotation to the type the engine casts and decodes to."""

from __future__ import annotations

from typing import Any

from .. import _core

_known: dict[Any, tuple[int, int, int, int, int]] = {}


def type_spec(annotation: Any) -> tuple[int, int, int, int, int]:
    """(kind, kind of the elements, dimensions, size, scale) of a type, as a field of it would have.

    TypeError for what no column could hold.
    """
    try:
        known = _known.get(annotation)
    except TypeError:  # unhashable metadata
        return _spec(annotation)
    if known is None:
        known = _known[annotation] = _spec(annotation)
    return known


def _spec(annotation: Any) -> tuple[int, int, int, int, int]:
    from ..models._types import column_type

    if annotation is None or isinstance(annotation, str):
        raise TypeError(f"a type is expected, such as int or Decimal, not {annotation!r}")
    found = column_type(annotation, (), None, repr(annotation))
    kinds = _core.KIND_NAMES
    # The Python type's own kind: a cast shows what is there, it has no column of its own.
    elem = kinds[found.load_elem] if found.load_elem else 0
    return (kinds[found.load_kind], elem, found.ndim, found.size, found.scale)
