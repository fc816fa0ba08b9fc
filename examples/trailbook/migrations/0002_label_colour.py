"""Auto-generated migration.

Created: 2026-11-22 00:17:25
"""

format = 2
depends_on = "0001_initial"


def upgrade(ctx):
    """Apply migration."""
    ctx.add_column(
        "labels",
        {
            "name": "colour",
            "column_type": {"kind": "string", "length": 7},
            "nullable": False,
            "primary_key": False,
            "unique": False,
            "default": "'#607d8b'",
        },
    )


def downgrade(ctx):
    """Revert migration."""
    ctx.drop_column("labels", "colour")
