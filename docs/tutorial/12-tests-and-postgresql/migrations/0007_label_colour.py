"""Auto-generated migration.

Created: 2026-11-22 01:38:09
"""

format = 2
depends_on = "0006_labels"


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
