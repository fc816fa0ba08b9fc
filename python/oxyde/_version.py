"""The version of the package; meson and pyproject read it from here."""

__version__ = "0.1.0"
