"""The panel's own tables.

Needed only for `audit=True` and `store="database"`: list `oxyde_admin.models` in the project's
`MODELS` and migrate. They are never registered by `register_all`.
"""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime

from oxyde import Field, Index, Model

__all__ = ["OWN_TABLES", "AdminLogEntry", "AdminSession", "AdminThrottle"]


class AdminLogEntry(Model):
    """Who did what, when, to which record. `changes` are the old and the new values by field.

    `label_field` is the path that the label was read from: whoever may not see it is not shown the
    label.
    """

    id: int | None = Field(default=None, db_pk=True)
    at: AwareDatetime
    user_id: str = Field(max_length=255)
    user_name: str = Field(default="", max_length=255)
    action: str = Field(max_length=100)
    model: str = Field(default="", max_length=200)
    pk: str = Field(default="", max_length=400)
    label: str = Field(default="", max_length=255)
    label_field: str = Field(default="", max_length=255)
    changes: dict[str, Any] = Field(default_factory=dict)
    request_id: str = Field(default="", max_length=100)

    class Meta:  # noqa: D106
        is_table = True
        table_name = "oxyde_admin_log"
        indexes = [
            Index(("model", "pk", "id"), name="oxyde_admin_log_record_idx"),
            Index(("at",), name="oxyde_admin_log_at_idx"),
        ]


class AdminSession(Model):
    """A session, a token or a token that has ended. The key is a digest; what a session remembers is
    sealed by its cookie. `ends` moves with use and never beyond `last_end`."""

    digest: str = Field(db_pk=True, max_length=64)
    user_id: str = Field(default="", max_length=255)
    payload: str = Field(default="", db_type="TEXT")
    created: AwareDatetime
    ends: AwareDatetime = Field(db_index=True, db_index_name="oxyde_admin_session_ends_idx")
    last_end: AwareDatetime

    class Meta:  # noqa: D106
        is_table = True
        table_name = "oxyde_admin_session"


class AdminThrottle(Model):
    """Failed logins within the window that ends at `ends`, for an account, an address or both."""

    digest: str = Field(db_pk=True, max_length=64)
    failures: int = 0
    ends: AwareDatetime = Field(db_index=True, db_index_name="oxyde_admin_throttle_ends_idx")

    class Meta:  # noqa: D106
        is_table = True
        table_name = "oxyde_admin_throttle"


OWN_TABLES: tuple[type[Model], ...] = (AdminLogEntry, AdminSession, AdminThrottle)
