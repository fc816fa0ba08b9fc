"""Auto-generated migration.

Created: 2026-11-22 01:50:53
"""

format = 2
depends_on = "0013_version"


def upgrade(ctx):
    """Apply migration."""
    ctx.create_table(
        "login_tokens",
        fields=[
            {
                "name": "digest",
                "column_type": {"kind": "string", "length": 64},
                "nullable": False,
                "primary_key": True,
                "unique": False,
            },
            {
                "name": "expires",
                "column_type": {"kind": "date_time_utc"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "address",
                "column_type": {"kind": "inet"},
                "nullable": True,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "member_id",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
        ],
        indexes=[{"name": "login_tokens_member_id_idx", "fields": ["member_id"], "unique": False}],
        foreign_keys=[
            {
                "name": "fk_login_tokens_member_id",
                "columns": ["member_id"],
                "ref_table": "members",
                "ref_columns": ["id"],
                "on_delete": "CASCADE",
                "on_update": "CASCADE",
            },
        ],
    )
    ctx.create_table(
        "profiles",
        fields=[
            {
                "name": "bio",
                "column_type": {"kind": "string", "length": 2000},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "''",
            },
            {
                "name": "avatar",
                "column_type": {"kind": "blob"},
                "nullable": True,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "homepage",
                "column_type": {"kind": "text"},
                "nullable": True,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "member_id",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": True,
                "unique": False,
            },
        ],
        foreign_keys=[
            {
                "name": "fk_profiles_member_id",
                "columns": ["member_id"],
                "ref_table": "members",
                "ref_columns": ["id"],
                "on_delete": "CASCADE",
                "on_update": "CASCADE",
            },
        ],
    )
    # ! members.password_hash has no value for existing rows: refused unless the table is empty
    ctx.add_column(
        "members",
        {
            "name": "password_hash",
            "column_type": {"kind": "string", "length": 255},
            "nullable": False,
            "primary_key": False,
            "unique": False,
        },
    )
    ctx.add_column(
        "members",
        {
            "name": "password_seeded",
            "column_type": {"kind": "boolean"},
            "nullable": False,
            "primary_key": False,
            "unique": False,
            "default": "0",
        },
    )
    ctx.add_column(
        "members",
        {
            "name": "home_network",
            "column_type": {"kind": "cidr"},
            "nullable": True,
            "primary_key": False,
            "unique": False,
        },
    )


def downgrade(ctx):
    """Revert migration."""
    ctx.drop_column("members", "home_network")
    ctx.drop_column("members", "password_seeded")
    ctx.drop_column("members", "password_hash")
    ctx.drop_table("profiles")
    ctx.drop_table("login_tokens")
