"""Auto-generated migration.

Created: 2026-11-22 01:11:33
"""

format = 2
depends_on = "0002_difficulty"


def upgrade(ctx):
    """Apply migration."""
    ctx.create_enum_type("role_enum", ["reader", "author", "editor", "admin"])
    ctx.create_table(
        "members",
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
                "name": "handle",
                "column_type": {"kind": "string", "length": 40},
                "nullable": False,
                "primary_key": False,
                "unique": True,
            },
            {
                "name": "email",
                "column_type": {"kind": "string", "length": 254},
                "nullable": False,
                "primary_key": False,
                "unique": True,
            },
            {
                "name": "role",
                "column_type": {
                    "kind": "enum",
                    "name": "role_enum",
                    "values": ["reader", "author", "editor", "admin"],
                },
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "'reader'",
            },
            {
                "name": "active",
                "column_type": {"kind": "boolean"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "1",
            },
            {
                "name": "joined",
                "column_type": {"kind": "date_time_utc"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
        ],
    )


def downgrade(ctx):
    """Revert migration."""
    ctx.drop_table("members")
    ctx.drop_enum_type("role_enum")
