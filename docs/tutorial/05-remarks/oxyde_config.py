"""Where the command `oxyde` finds models, migrations and the database."""

MODELS = ["trailbook.models"]
DIALECT = "sqlite"
MIGRATIONS_DIR = "migrations"
DATABASES = {"default": "sqlite:///trailbook.db"}
