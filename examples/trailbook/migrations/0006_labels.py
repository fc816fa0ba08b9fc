"""Auto-generated migration.

Created: 2026-11-22 01:38:07
"""

format = 2
depends_on = "0005_remarks"


def upgrade(ctx):
    """Apply migration."""
    ctx.create_table(
        "labels",
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
                "name": "name",
                "column_type": {"kind": "string", "length": 40},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "slug",
                "column_type": {"kind": "string", "length": 120},
                "nullable": False,
                "primary_key": False,
                "unique": True,
            },
            {
                "name": "tone",
                "column_type": {"kind": "string", "length": 12},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "'grey'",
            },
        ],
    )
    ctx.create_table(
        "trail_labels",
        fields=[
            {
                "name": "position",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "0",
            },
            {
                "name": "trail_id",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": True,
                "unique": False,
            },
            {
                "name": "label_id",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": True,
                "unique": False,
            },
        ],
        indexes=[{"name": "trail_labels_label_id_idx", "fields": ["label_id"], "unique": False}],
        foreign_keys=[
            {
                "name": "fk_trail_labels_label_id",
                "columns": ["label_id"],
                "ref_table": "labels",
                "ref_columns": ["id"],
                "on_delete": "CASCADE",
                "on_update": "CASCADE",
            },
            {
                "name": "fk_trail_labels_trail_id",
                "columns": ["trail_id"],
                "ref_table": "trails",
                "ref_columns": ["id"],
                "on_delete": "CASCADE",
                "on_update": "CASCADE",
            },
        ],
    )


def downgrade(ctx):
    """Revert migration."""
    ctx.drop_table("trail_labels")
    ctx.drop_table("labels")
