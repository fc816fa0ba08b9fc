"""Live databases: reading them, comparing them with models, and writing models of them."""

from .check import check_schema
from .inspect import inspect_database
from .models import generate_models

__all__ = ["check_schema", "generate_models", "inspect_database"]
