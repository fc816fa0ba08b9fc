"""The command line: `oxyde makemigrations`, `oxyde migrate` …

Commands import what they need when they run, so that `oxyde --help` stays quick.
"""

from ._app import app

__all__ = ["app"]
