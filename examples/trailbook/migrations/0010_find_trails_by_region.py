"""Auto-generated migration.

Created: 2026-11-22 01:42:06
"""

format = 2
depends_on = "0009_drop_label_tone"


def upgrade(ctx):
    """Apply migration."""
    ctx.create_index(
        "regions",
        {
            "name": "regions_parent_code_name_key",
            "fields": ["parent_code", "name"],
            "unique": True,
            "constraint": True,
        },
    )
    ctx.create_index(
        "trails",
        {
            "name": "trails_region_code_published_on_idx",
            "fields": ["region_code", "published_on"],
            "unique": False,
        },
    )


def downgrade(ctx):
    """Revert migration."""
    ctx.drop_index("trails", "trails_region_code_published_on_idx")
    ctx.drop_index("regions", "regions_parent_code_name_key")
