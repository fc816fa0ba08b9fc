"""Auto-generated migration.

Created: 2026-11-22 01:37:17
"""

format = 2
depends_on = "0004_regions"


def upgrade(ctx):
    """Apply migration."""
    ctx.create_table(
        "remarks",
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
                "name": "body",
                "column_type": {"kind": "string", "length": 2000},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "approved",
                "column_type": {"kind": "boolean"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "0",
            },
            {
                "name": "created",
                "column_type": {"kind": "date_time_utc"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "trail_id",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "author_id",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "parent_id",
                "column_type": {"kind": "big_integer"},
                "nullable": True,
                "primary_key": False,
                "unique": False,
            },
        ],
        indexes=[
            {"name": "remarks_author_id_idx", "fields": ["author_id"], "unique": False},
            {"name": "remarks_parent_id_idx", "fields": ["parent_id"], "unique": False},
            {"name": "remarks_trail_id_idx", "fields": ["trail_id"], "unique": False},
        ],
        foreign_keys=[
            {
                "name": "fk_remarks_author_id",
                "columns": ["author_id"],
                "ref_table": "members",
                "ref_columns": ["id"],
                "on_delete": "CASCADE",
                "on_update": "CASCADE",
            },
            {
                "name": "fk_remarks_parent_id",
                "columns": ["parent_id"],
                "ref_table": "remarks",
                "ref_columns": ["id"],
                "on_delete": "CASCADE",
                "on_update": "CASCADE",
            },
            {
                "name": "fk_remarks_trail_id",
                "columns": ["trail_id"],
                "ref_table": "trails",
                "ref_columns": ["id"],
                "on_delete": "CASCADE",
                "on_update": "CASCADE",
            },
        ],
    )


def downgrade(ctx):
    """Revert migration."""
    ctx.drop_table("remarks")
