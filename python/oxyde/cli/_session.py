"""What every command has in common: the configuration, the models, questions, and how it fails."""

from __future__ import annotations

import functools
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, ParamSpec, TextIO, TypeVar

import typer

from ..exceptions import DatabaseError, OxydeError

if TYPE_CHECKING:
    from ..migrations.config import OxydeConfig

P = ParamSpec("P")
T = TypeVar("T")

NoInput = Annotated[bool, typer.Option("--no-input/--input", help="Never ask a question.")]
"""Accepted before and after every command."""

Alias = Annotated[
    str, typer.Option("--db-alias", help="Alias of the database in DATABASES.", metavar="ALIAS")
]


@dataclass
class Session:
    """The options that stand before the command."""

    config_path: str | None = None
    no_input: bool = False

    def load(self) -> OxydeConfig:
        """The configuration; its directory becomes the current one."""
        from ..migrations.config import find_config, load_config

        file = find_config(self.config_path).absolute()
        if not file.is_file():
            fail(f"there is no {file}: `oxyde init` writes one, --config or OXYDE_CONFIG names another")
        os.chdir(file.parent)
        config = abort_with_traceback(load_config, file.name, what=f"{file.name} failed")
        assert config is not None
        return config

    def load_models(self) -> OxydeConfig:
        """The configuration, with all its models imported."""
        from ..migrations.config import import_models

        config = self.load()
        if not config.models:
            fail("MODELS is empty: name the modules that define table models in the configuration file")
        abort_with_traceback(
            import_models, config.models, what="the models could not be imported, nothing was done"
        )
        return config

    def asks(self, no_input: bool) -> bool:
        """Whether a person is there to answer, and wants to."""
        return not (no_input or self.no_input) and sys.stdin.isatty() and sys.stderr.isatty()


def session_of(context: typer.Context) -> Session:
    """The session of a command."""
    found = context.find_object(Session)
    return Session() if found is None else found


# --- saying ------------------------------------------------------------------------------------


def say(text: str = "", **style: Any) -> None:
    """A line of the result. Colours only on a terminal."""
    typer.secho(text, **style)


def note(text: str) -> None:
    """A line about what happens, not part of the result."""
    typer.secho(text, err=True)


def warn(text: str) -> None:
    """A line that somebody should read."""
    typer.secho(f"Warning: {text}", err=True, fg=typer.colors.YELLOW)


def fail(text: str, *, code: int = 1) -> NoReturn:
    """Ends the command with an explanation."""
    _explain(text)
    raise typer.Exit(code)


def _explain(text: str) -> None:
    typer.secho(f"Error: {text}", err=True, fg=typer.colors.RED)


def usage_error(text: str) -> NoReturn:
    """Ends the command because it was called wrongly."""
    fail(text, code=2)


def progress(doing: str) -> AbstractContextManager[Any]:
    """Shows on a terminal that something takes its time."""
    if not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(doing)


# --- failing -----------------------------------------------------------------------------------------


def abort_with_traceback(function: Callable[..., T], *args: Any, what: str) -> T:
    """Calls code of the project; if that fails, its traceback is what helps."""
    try:
        return function(*args)
    except OxydeError as error:
        fail(f"{what}: {error}")
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        fail(f"{what}: {type(error).__name__}: {error}")


def command(function: Callable[P, T]) -> Callable[P, T]:
    """A command whose expected failures are explained in a line or two, with exit status 1."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            try:
                return function(*args, **kwargs)
            except OxydeError as error:
                _explain(str(error))
                for line in _lines_of(error):
                    note(line)
                raise typer.Exit(1) from None
            except OSError as error:
                fail(f"{error}")

    return run


def _lines_of(error: BaseException) -> list[str]:
    lines: list[str] = list(getattr(error, "__notes__", ()))
    if isinstance(error, DatabaseError) and error.__cause__ is not None:
        lines.append(f"caused by {type(error.__cause__).__name__}: {error.__cause__}")
    return lines


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    warn(str(message))
