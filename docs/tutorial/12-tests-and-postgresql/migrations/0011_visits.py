"""Auto-generated migration.

Created: 2026-11-22 01:46:04
"""

format = 2
depends_on = "0010_find_trails_by_region"


def upgrade(ctx):
    """Apply migration."""
    ctx.create_table(
        "favourites",
        fields=[
            {
                "name": "created",
                "column_type": {"kind": "date_time_utc"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "member_id",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": True,
                "unique": False,
            },
            {
                "name": "trail_id",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": True,
                "unique": False,
            },
        ],
        indexes=[{"name": "favourites_trail_id_idx", "fields": ["trail_id"], "unique": False}],
        foreign_keys=[
            {
                "name": "fk_favourites_member_id",
                "columns": ["member_id"],
                "ref_table": "members",
                "ref_columns": ["id"],
                "on_delete": "CASCADE",
                "on_update": "CASCADE",
            },
            {
                "name": "fk_favourites_trail_id",
                "columns": ["trail_id"],
                "ref_table": "trails",
                "ref_columns": ["id"],
                "on_delete": "CASCADE",
                "on_update": "CASCADE",
            },
        ],
    )
    ctx.create_table(
        "visits",
        fields=[
            {
                "name": "id",
                "column_type": {"kind": "uuid"},
                "nullable": False,
                "primary_key": True,
                "unique": False,
            },
            {
                "name": "day",
                "column_type": {"kind": "date"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "minutes",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "rating",
                "column_type": {"kind": "double"},
                "nullable": True,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "remark",
                "column_type": {"kind": "string", "length": 500},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "''",
            },
            {
                "name": "trail_id",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "member_id",
                "column_type": {"kind": "big_integer"},
                "nullable": True,
                "primary_key": False,
                "unique": False,
            },
        ],
        indexes=[
            {"name": "visits_day_id_idx", "fields": ["day", "id"], "unique": False},
            {"name": "visits_member_id_idx", "fields": ["member_id"], "unique": False},
            {"name": "visits_trail_id_idx", "fields": ["trail_id"], "unique": False},
        ],
        foreign_keys=[
            {
                "name": "fk_visits_member_id",
                "columns": ["member_id"],
                "ref_table": "members",
                "ref_columns": ["id"],
                "on_delete": "SET NULL",
                "on_update": "CASCADE",
            },
            {
                "name": "fk_visits_trail_id",
                "columns": ["trail_id"],
                "ref_table": "trails",
                "ref_columns": ["id"],
                "on_delete": "CASCADE",
                "on_update": "CASCADE",
            },
        ],
    )
    ctx.add_column(
        "trails",
        {
            "name": "views",
            "column_type": {"kind": "big_integer"},
            "nullable": False,
            "primary_key": False,
            "unique": False,
            "default": "0",
        },
    )


def downgrade(ctx):
    """Revert migration."""
    ctx.drop_column("trails", "views")
    ctx.drop_table("visits")
    ctx.drop_table("favourites")
