"""The stubs of a project's models, as they should be and as they are."""

from __future__ import annotations

from pathlib import Path


def stubs_of_project() -> dict[Path, str]:
    """The stub of each module of the project that defines tables; its directory is the current one.

    Modules of installed packages are nobody's to write beside, even where they lie inside the
    project's directory.
    """
    from ..codegen import generate_stubs_for_models

    found = generate_stubs_for_models(within=Path.cwd())
    return {path: text for path, text in found.items() if "site-packages" not in path.parts}


def outdated(stubs: dict[Path, str]) -> list[Path]:
    """The stubs that are missing or say something else."""
    return [
        path for path, text in stubs.items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def shown(path: Path) -> str:
    """A path as the project sees it."""
    return str(path.relative_to(Path.cwd().resolve()))
