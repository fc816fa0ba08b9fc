"""`oxyde generate-stubs`: writes `.pyi` files beside the modules of models."""

from __future__ import annotations

from typing import Annotated

import typer

from ._session import NoInput, command, say, session_of


@command
def generate_stubs(
    context: typer.Context,
    check: Annotated[bool, typer.Option(help="Write nothing; exit 1 if one is missing or outdated.")] = False,
    no_input: NoInput = False,
) -> None:
    """Write typed stubs of the models."""
    from ..codegen import write_stubs
    from ._stubs import outdated, shown, stubs_of_project

    session_of(context).load_models()
    stubs = stubs_of_project()
    stale = outdated(stubs)
    if check:
        for path in stale:
            say(f"{'Outdated' if path.exists() else 'Missing'}: {shown(path)}")
        if stale:
            raise typer.Exit(1)
    else:
        write_stubs({path: stubs[path] for path in stale})
        for path in stale:
            say(f"Wrote {shown(path)}", fg=typer.colors.GREEN)
    if not stale:
        say("Stubs are up to date")
