"""Options of a model and themes of the panel."""

from .options.model_admin import ModelAdmin
from .options.themes import Preset, PrimaryColor, Surface

__all__ = ["ModelAdmin", "Preset", "PrimaryColor", "Surface"]
