"""Auto-generated migration.

Created: 2026-11-22 00:17:02
"""

format = 2
depends_on = None


def upgrade(ctx):
    """Apply migration."""
    ctx.create_enum_type("difficulty_enum", ["easy", "moderate", "hard", "expert"])
    ctx.create_enum_type("role_enum", ["reader", "author", "editor", "admin"])
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
                "name": "password_hash",
                "column_type": {"kind": "string", "length": 255},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "password_seeded",
                "column_type": {"kind": "boolean"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "0",
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
            {
                "name": "home_network",
                "column_type": {"kind": "cidr"},
                "nullable": True,
                "primary_key": False,
                "unique": False,
            },
        ],
    )
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
    ctx.create_table(
        "regions",
        fields=[
            {
                "name": "code",
                "column_type": {"kind": "string", "length": 8},
                "nullable": False,
                "primary_key": True,
                "unique": False,
            },
            {
                "name": "name",
                "column_type": {"kind": "string", "length": 80},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "parent_code",
                "column_type": {"kind": "string", "length": 8},
                "nullable": True,
                "primary_key": False,
                "unique": False,
            },
        ],
        foreign_keys=[
            {
                "name": "fk_regions_parent_code",
                "columns": ["parent_code"],
                "ref_table": "regions",
                "ref_columns": ["code"],
                "on_delete": "SET NULL",
                "on_update": "CASCADE",
            },
        ],
    )
    ctx.create_table(
        "trails",
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
                "name": "title",
                "column_type": {"kind": "string", "length": 120},
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
                "name": "body",
                "column_type": {"kind": "text"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "db_type": "TEXT",
                "default": "''",
            },
            {
                "name": "difficulty",
                "column_type": {
                    "kind": "enum",
                    "name": "difficulty_enum",
                    "values": ["easy", "moderate", "hard", "expert"],
                },
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "'easy'",
            },
            {
                "name": "length_km",
                "column_type": {"kind": "decimal", "precision": 6, "scale": 2},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "walking_time",
                "column_type": {"kind": "timedelta"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "highlights",
                "column_type": {"kind": "array", "item": {"kind": "string", "length": 255}},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "facts",
                "column_type": {"kind": "json"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "opens",
                "column_type": {"kind": "time"},
                "nullable": True,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "published_on",
                "column_type": {"kind": "date"},
                "nullable": True,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "created",
                "column_type": {"kind": "date_time_utc"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "updated",
                "column_type": {"kind": "date_time_utc"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "views",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "0",
            },
            {
                "name": "version",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "1",
            },
            {
                "name": "author_id",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "region_code",
                "column_type": {"kind": "string", "length": 8},
                "nullable": True,
                "primary_key": False,
                "unique": False,
            },
        ],
        indexes=[{"name": "trails_author_id_idx", "fields": ["author_id"], "unique": False}],
        foreign_keys=[
            {
                "name": "fk_trails_author_id",
                "columns": ["author_id"],
                "ref_table": "members",
                "ref_columns": ["id"],
                "on_delete": "RESTRICT",
                "on_update": "CASCADE",
            },
            {
                "name": "fk_trails_region_code",
                "columns": ["region_code"],
                "ref_table": "regions",
                "ref_columns": ["code"],
                "on_delete": "SET NULL",
                "on_update": "CASCADE",
            },
        ],
        checks=[{"name": "trails_have_length", "expression": "length_km + 0 > 0"}],
    )
    ctx.create_table(
        "favourites",
        fields=[
            {
                "name": "created",
                "column_type": {"kind": "date_time_utc"},
                "nullable": False,
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
            {
                "name": "trail_id",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": True,
                "unique": False,
            },
        ],
        indexes=[{"name": "favourites_trail_id_idx", "fields": ["trail_id"], "unique": False}],
        foreign_keys=[
            {
                "name": "fk_favourites_member_id",
                "columns": ["member_id"],
                "ref_table": "members",
                "ref_columns": ["id"],
                "on_delete": "CASCADE",
                "on_update": "CASCADE",
            },
            {
                "name": "fk_favourites_trail_id",
                "columns": ["trail_id"],
                "ref_table": "trails",
                "ref_columns": ["id"],
                "on_delete": "CASCADE",
                "on_update": "CASCADE",
            },
        ],
    )
    ctx.create_table(
        "remarks",
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
                "name": "body",
                "column_type": {"kind": "string", "length": 2000},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "approved",
                "column_type": {"kind": "boolean"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "0",
            },
            {
                "name": "created",
                "column_type": {"kind": "date_time_utc"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "trail_id",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "author_id",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "parent_id",
                "column_type": {"kind": "big_integer"},
                "nullable": True,
                "primary_key": False,
                "unique": False,
            },
        ],
        indexes=[
            {"name": "remarks_author_id_idx", "fields": ["author_id"], "unique": False},
            {"name": "remarks_parent_id_idx", "fields": ["parent_id"], "unique": False},
            {"name": "remarks_trail_id_idx", "fields": ["trail_id"], "unique": False},
        ],
        foreign_keys=[
            {
                "name": "fk_remarks_author_id",
                "columns": ["author_id"],
                "ref_table": "members",
                "ref_columns": ["id"],
                "on_delete": "CASCADE",
                "on_update": "CASCADE",
            },
            {
                "name": "fk_remarks_parent_id",
                "columns": ["parent_id"],
                "ref_table": "remarks",
                "ref_columns": ["id"],
                "on_delete": "CASCADE",
                "on_update": "CASCADE",
            },
            {
                "name": "fk_remarks_trail_id",
                "columns": ["trail_id"],
                "ref_table": "trails",
                "ref_columns": ["id"],
                "on_delete": "CASCADE",
                "on_update": "CASCADE",
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
    ctx.create_table(
        "visits",
        fields=[
            {
                "name": "id",
                "column_type": {"kind": "uuid"},
                "nullable": False,
                "primary_key": True,
                "unique": False,
            },
            {
                "name": "day",
                "column_type": {"kind": "date"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "minutes",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "rating",
                "column_type": {"kind": "double"},
                "nullable": True,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "remark",
                "column_type": {"kind": "string", "length": 500},
                "nullable": False,
                "primary_key": False,
                "unique": False,
                "default": "''",
            },
            {
                "name": "trail_id",
                "column_type": {"kind": "big_integer"},
                "nullable": False,
                "primary_key": False,
                "unique": False,
            },
            {
                "name": "member_id",
                "column_type": {"kind": "big_integer"},
                "nullable": True,
                "primary_key": False,
                "unique": False,
            },
        ],
        indexes=[
            {"name": "visits_member_id_idx", "fields": ["member_id"], "unique": False},
            {"name": "visits_trail_id_idx", "fields": ["trail_id"], "unique": False},
        ],
        foreign_keys=[
            {
                "name": "fk_visits_member_id",
                "columns": ["member_id"],
                "ref_table": "members",
                "ref_columns": ["id"],
                "on_delete": "SET NULL",
                "on_update": "CASCADE",
            },
            {
                "name": "fk_visits_trail_id",
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
    ctx.drop_table("visits")
    ctx.drop_table("trail_labels")
    ctx.drop_table("remarks")
    ctx.drop_table("favourites")
    ctx.drop_table("trails")
    ctx.drop_table("regions")
    ctx.drop_table("profiles")
    ctx.drop_table("login_tokens")
    ctx.drop_table("members")
    ctx.drop_table("labels")
    ctx.drop_enum_type("role_enum")
    ctx.drop_enum_type("difficulty_enum")
