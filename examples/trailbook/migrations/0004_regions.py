"""Auto-generated migration.

Created: 2026-11-22 01:37:13
"""

format = 2
depends_on = "0003_members"


def upgrade(ctx):
    """Apply migration."""
    ctx.create_table(
        "regions",
        fields=[
            {
                "name": "code",
                "column_type": {"kind": "string", "length": 8},
                "nullable": False,
                "primary_key": True,
                "unique": False,
            },
            {
                "name": "name",
                "column_type": {"kind": "string", "length": 80},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "parent_code",
                "column_type": {"kind": "string", "length": 8},
                "nullable": True,
                "primary_key": False,
                "unique": False,
            },
        ],
        foreign_keys=[
            {
                "name": "fk_regions_parent_code",
                "columns": ["parent_code"],
                "ref_table": "regions",
                "ref_columns": ["code"],
                "on_delete": "SET NULL",
                "on_update": "CASCADE",
            },
        ],
    )
    # ! trails.slug has no value for existing rows: refused unless the table is empty
    ctx.add_column(
        "trails",
        {
            "name": "slug",
            "column_type": {"kind": "string", "length": 120},
            "nullable": False,
            "primary_key": False,
            "unique": True,
        },
    )
    # ! trails.walking_time has no value for existing rows: refused unless the table is empty
    ctx.add_column(
        "trails",
        {
            "name": "walking_time",
            "column_type": {"kind": "timedelta"},
            "nullable": False,
            "primary_key": False,
            "unique": False,
        },
    )
    # ! trails.highlights has no value for existing rows: refused unless the table is empty
    ctx.add_column(
        "trails",
        {
            "name": "highlights",
            "column_type": {"kind": "array", "item": {"kind": "string", "length": 255}},
            "nullable": False,
            "primary_key": False,
            "unique": False,
        },
    )
    # ! trails.facts has no value for existing rows: refused unless the table is empty
    ctx.add_column(
        "trails",
        {
            "name": "facts",
            "column_type": {"kind": "json"},
            "nullable": False,
            "primary_key": False,
            "unique": False,
        },
    )
    ctx.add_column(
        "trails",
        {
            "name": "opens",
            "column_type": {"kind": "time"},
            "nullable": True,
            "primary_key": False,
            "unique": False,
        },
    )
    ctx.add_column(
        "trails",
        {
            "name": "published_on",
            "column_type": {"kind": "date"},
            "nullable": True,
            "primary_key": False,
            "unique": False,
        },
    )
    # ! trails.created has no value for existing rows: refused unless the table is empty
    ctx.add_column(
        "trails",
        {
            "name": "created",
            "column_type": {"kind": "date_time_utc"},
            "nullable": False,
            "primary_key": False,
            "unique": False,
        },
    )
    # ! trails.updated has no value for existing rows: refused unless the table is empty
    ctx.add_column(
        "trails",
        {
            "name": "updated",
            "column_type": {"kind": "date_time_utc"},
            "nullable": False,
            "primary_key": False,
            "unique": False,
        },
    )
    # ! trails.author_id has no value for existing rows: refused unless the table is empty
    ctx.add_column(
        "trails",
        {
            "name": "author_id",
            "column_type": {"kind": "big_integer"},
            "nullable": False,
            "primary_key": False,
            "unique": False,
        },
    )
    ctx.add_column(
        "trails",
        {
            "name": "region_code",
            "column_type": {"kind": "string", "length": 8},
            "nullable": True,
            "primary_key": False,
            "unique": False,
        },
    )
    ctx.create_index(
        "trails",
        {"name": "trails_author_id_idx", "fields": ["author_id"], "unique": False},
    )
    ctx.add_foreign_key(
        "trails",
        "fk_trails_author_id",
        ["author_id"],
        "members",
        ["id"],
        on_delete="RESTRICT",
        on_update="CASCADE",
    )
    ctx.add_foreign_key(
        "trails",
        "fk_trails_region_code",
        ["region_code"],
        "regions",
        ["code"],
        on_delete="SET NULL",
        on_update="CASCADE",
    )
    ctx.add_check("trails", "trails_have_length", "length_km + 0 > 0")


def downgrade(ctx):
    """Revert migration."""
    ctx.drop_check("trails", "trails_have_length")
    ctx.drop_foreign_key("trails", "fk_trails_region_code")
    ctx.drop_foreign_key("trails", "fk_trails_author_id")
    ctx.drop_index("trails", "trails_author_id_idx")
    ctx.drop_column("trails", "region_code")
    ctx.drop_column("trails", "author_id")
    ctx.drop_column("trails", "updated")
    ctx.drop_column("trails", "created")
    ctx.drop_column("trails", "published_on")
    ctx.drop_column("trails", "opens")
    ctx.drop_column("trails", "facts")
    ctx.drop_column("trails", "highlights")
    ctx.drop_column("trails", "walking_time")
    ctx.drop_column("trails", "slug")
    ctx.drop_table("regions")
