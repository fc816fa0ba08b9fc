"""Auto-generated migration.

Created: 2026-11-22 00:17:27
"""

format = 2
depends_on = "0003_find_trails_by_region"


def upgrade(ctx):
    """Apply migration."""
    ctx.rename_column("visits", "remark", "note")


def downgrade(ctx):
    """Revert migration."""
    ctx.rename_column("visits", "note", "remark")
