"""Auto-generated migration.

Created: 2026-11-22 01:46:10
"""

format = 2
depends_on = "0011_visits"


def upgrade(ctx):
    """Apply migration."""
    ctx.rename_column("visits", "remark", "note")


def downgrade(ctx):
    """Revert migration."""
    ctx.rename_column("visits", "note", "remark")
