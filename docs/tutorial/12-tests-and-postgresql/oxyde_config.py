"""Where the command `oxyde` finds models, migrations and the database."""

from trailbook.settings import Settings

MODELS = ["trailbook.models", "oxyde_admin.models"]
DIALECT = "sqlite"
MIGRATIONS_DIR = "migrations"
DATABASES = {"default": Settings.from_environment().database_url}
