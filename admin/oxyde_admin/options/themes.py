"""Themes: the looks the front end has."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

__all__ = ["Preset", "PrimaryColor", "Surface", "member_of"]

TTheme = TypeVar("TTheme", bound=Enum)


class Preset(str, Enum):
    """The shape of buttons, fields and tables."""

    AURA = "Aura"
    LARA = "Lara"
    NORA = "Nora"


class PrimaryColor(str, Enum):
    """The colour of what can be pressed."""

    NOIR = "noir"
    EMERALD = "emerald"
    GREEN = "green"
    LIME = "lime"
    ORANGE = "orange"
    AMBER = "amber"
    YELLOW = "yellow"
    TEAL = "teal"
    CYAN = "cyan"
    SKY = "sky"
    BLUE = "blue"
    INDIGO = "indigo"
    VIOLET = "violet"
    PURPLE = "purple"
    FUCHSIA = "fuchsia"
    PINK = "pink"
    ROSE = "rose"


class Surface(str, Enum):
    """The tint of backgrounds."""

    SLATE = "slate"
    GRAY = "gray"
    ZINC = "zinc"
    NEUTRAL = "neutral"
    STONE = "stone"
    SOHO = "soho"
    VIVA = "viva"
    OCEAN = "ocean"


def member_of(kind: type[TTheme], value: object) -> TTheme:
    """The member, given itself or its value; `ValueError` names what there is."""
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(member.value) for member in kind)
        raise ValueError(f"{value!r} is no {kind.__name__}; one of {known}") from None
