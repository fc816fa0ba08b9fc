"""Auto-generated migration.

Created: 2026-11-22 01:53:52
"""

format = 2
depends_on = "0014_accounts"


def upgrade(ctx):
    """Apply migration."""
    ctx.create_table(
        "oxyde_admin_log",
        fields=[
            {
                "name": "id",
                "column_type": {"kind": "big_integer"},
                "nullable": True,
                "primary_key": True,
                "unique": False,
                "auto_increment": True,
            },
            {
                "name": "at",
                "column_type": {"kind": "date_time_utc"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "user_id",
                "column_type": {"kind": "string", "length": 255},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "user_name",
                "column_type": {"kind": "string", "length": 255},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "''",
            },
            {
                "name": "action",
                "column_type": {"kind": "string", "length": 100},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "model",
                "column_type": {"kind": "string", "length": 200},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "''",
            },
            {
                "name": "pk",
                "column_type": {"kind": "string", "length": 400},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "''",
            },
            {
                "name": "label",
                "column_type": {"kind": "string", "length": 255},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "''",
            },
            {
                "name": "label_field",
                "column_type": {"kind": "string", "length": 255},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "''",
            },
            {
                "name": "changes",
                "column_type": {"kind": "json"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "request_id",
                "column_type": {"kind": "string", "length": 100},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "''",
            },
        ],
        indexes=[
            {"name": "oxyde_admin_log_at_idx", "fields": ["at"], "unique": False},
            {
                "name": "oxyde_admin_log_record_idx",
                "fields": ["model", "pk", "id"],
                "unique": False,
            },
        ],
    )
    ctx.create_table(
        "oxyde_admin_session",
        fields=[
            {
                "name": "digest",
                "column_type": {"kind": "string", "length": 64},
                "nullable": False,
                "primary_key": True,
                "unique": False,
            },
            {
                "name": "user_id",
                "column_type": {"kind": "string", "length": 255},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "''",
            },
            {
                "name": "payload",
                "column_type": {"kind": "text"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "db_type": "TEXT",
                "default": "''",
            },
            {
                "name": "created",
                "column_type": {"kind": "date_time_utc"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "ends",
                "column_type": {"kind": "date_time_utc"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "last_end",
                "column_type": {"kind": "date_time_utc"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
        ],
        indexes=[{"name": "oxyde_admin_session_ends_idx", "fields": ["ends"], "unique": False}],
    )
    ctx.create_table(
        "oxyde_admin_throttle",
        fields=[
            {
                "name": "digest",
                "column_type": {"kind": "string", "length": 64},
                "nullable": False,
                "primary_key": True,
                "unique": False,
            },
            {
                "name": "failures",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "0",
            },
            {
                "name": "ends",
                "column_type": {"kind": "date_time_utc"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
        ],
        indexes=[{"name": "oxyde_admin_throttle_ends_idx", "fields": ["ends"], "unique": False}],
    )


def downgrade(ctx):
    """Revert migration."""
    ctx.drop_table("oxyde_admin_throttle")
    ctx.drop_table("oxyde_admin_session")
    ctx.drop_table("oxyde_admin_log")
