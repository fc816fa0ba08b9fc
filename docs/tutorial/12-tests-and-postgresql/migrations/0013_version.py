"""Auto-generated migration.

Created: 2026-11-22 01:49:03
"""

format = 2
depends_on = "0012_visit_note"


def upgrade(ctx):
    """Apply migration."""
    ctx.add_column(
        "trails",
        {
            "name": "version",
            "column_type": {"kind": "big_integer"},
            "nullable": False,
            "primary_key": False,
            "unique": False,
            "default": "1",
        },
    )


def downgrade(ctx):
    """Revert migration."""
    ctx.drop_column("trails", "version")
