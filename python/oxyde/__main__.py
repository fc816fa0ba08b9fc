"""`python -m oxyde`: the same as the command `oxyde`."""

from .cli import app

if __name__ == "__main__":
    app(prog_name="oxyde")
