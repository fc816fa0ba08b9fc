"""Auto-generated migration.

Created: 2026-11-22 01:10:59
"""

format = 2
depends_on = "0001_trails"


def upgrade(ctx):
    """Apply migration."""
    ctx.create_enum_type("difficulty_enum", ["easy", "moderate", "hard", "expert"])
    ctx.add_column(
        "trails",
        {
            "name": "difficulty",
            "column_type": {
                "kind": "enum",
                "name": "difficulty_enum",
                "values": ["easy", "moderate", "hard", "expert"],
            },
            "nullable": False,
            "primary_key": False,
            "unique": False,
            "default": "'easy'",
        },
    )


def downgrade(ctx):
    """Revert migration."""
    ctx.drop_column("trails", "difficulty")
    ctx.drop_enum_type("difficulty_enum")
