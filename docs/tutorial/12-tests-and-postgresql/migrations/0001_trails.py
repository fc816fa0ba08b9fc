"""Auto-generated migration.

Created: 2026-11-22 01:10:46
"""

format = 2
depends_on = None


def upgrade(ctx):
    """Apply migration."""
    ctx.create_table(
        "trails",
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
                "name": "title",
                "column_type": {"kind": "string", "length": 120},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "body",
                "column_type": {"kind": "text"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "db_type": "TEXT",
                "default": "''",
            },
            {
                "name": "length_km",
                "column_type": {"kind": "decimal", "precision": 6, "scale": 2},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
        ],
    )


def downgrade(ctx):
    """Revert migration."""
    ctx.drop_table("trails")
