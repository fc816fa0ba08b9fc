"""What the environment decides."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

PREFIX = "TRAILBOOK_"


class Settings(BaseModel):
    """Every setting; `TRAILBOOK_` and the name in capitals is its variable."""

    model_config = ConfigDict(frozen=True)

    database_url: str = "sqlite:///trailbook.db"
    debug: bool = False
    page_size: int = Field(default=20, ge=1, le=100)
    token_hours: float = Field(default=12, gt=0)
    port: int = Field(default=8000, ge=1, le=65535)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings that these variables describe; an empty one counts as absent."""
        given = {name: environment.get(PREFIX + name.upper()) for name in cls.model_fields}
        return cls.model_validate({name: value for name, value in given.items() if value})
