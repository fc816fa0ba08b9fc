"""Process-wide settings of models."""

from __future__ import annotations

from typing import Any, Literal

__all__ = ["configure", "unloaded_rule"]

_settings: dict[str, Any] = {"unloaded": "empty"}


def configure(*, unloaded: Literal["empty", "raise"]) -> None:
    """Sets what reading something that was not loaded does, for models that do not say it in `Meta`.

    `"empty"`: it reads as None, an empty list or the field's default. `"raise"`: it is a
    `NotLoadedError`.
    """
    if unloaded not in ("empty", "raise"):
        raise ValueError(f"unloaded is 'empty' or 'raise', not {unloaded!r}")
    if unloaded != _settings["unloaded"]:
        _settings["unloaded"] = unloaded
        from ._plan import renew_plans

        renew_plans()  # they say what rows look like


def unloaded_rule(model: Any) -> str:
    """The rule that holds for a model."""
    return str(model._db_meta.unloaded or _settings["unloaded"])
