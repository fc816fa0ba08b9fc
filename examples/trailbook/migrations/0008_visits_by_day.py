"""Auto-generated migration.

Created: 2026-11-22 01:01:41
"""

format = 2
depends_on = "0007_panel_tables"


def upgrade(ctx):
    """Apply migration."""
    ctx.create_index(
        "visits",
        {"name": "visits_day_id_idx", "fields": ["day", "id"], "unique": False},
    )


def downgrade(ctx):
    """Revert migration."""
    ctx.drop_index("visits", "visits_day_id_idx")
