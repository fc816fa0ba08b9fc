"""The names of the widgets that forms are made of (contract, 12.3)."""

__all__ = ["WIDGETS"]

WIDGETS = (
    "color",
    "date",
    "datetime",
    "duration",
    "email",
    "file",
    "json",
    "list",
    "markdown",
    "multiselect",
    "number",
    "password",
    "relation",
    "relations",
    "select",
    "slug",
    "text",
    "textarea",
    "time",
    "toggle",
    "tristate",
    "url",
    "uuid",
)
