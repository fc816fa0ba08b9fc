"""Auto-generated migration.

Created: 2026-11-22 01:38:10
"""

format = 2
depends_on = "0008_colours_of_tones"


def upgrade(ctx):
    """Apply migration."""
    # ! drop column labels.tone: its values are lost
    ctx.drop_column("labels", "tone")


def downgrade(ctx):
    """Revert migration."""
    ctx.add_column(
        "labels",
        {
            "name": "tone",
            "column_type": {"kind": "string", "length": 12},
            "nullable": False,
            "primary_key": False,
            "unique": False,
            "default": "'grey'",
        },
    )
