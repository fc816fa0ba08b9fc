"""The tutorial, played in order: every command prints what its page says, and what was made on the way
is what lies in its folder."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import tutorial  # noqa: E402

STEPS = tutorial.steps()
# The application has tests of its own, which need the servers of this repository.
SHARED = ("trailbook/", "mounts/", "migrations/", "oxyde_config.py")


@pytest.mark.parametrize("number", range(len(STEPS)), ids=[step.name for step in STEPS])
def test_a_step_does_what_its_page_says(number: int, tmp_path: Path) -> None:
    step, before = STEPS[number], STEPS[number - 1] if number else None
    commands = 0
    for line, expected, actual in tutorial.play(step, before, tmp_path):
        assert actual == expected, f"$ {line}"
        commands += 1
    assert commands
    assert tutorial.files_of(tmp_path) == tutorial.files_of(step)


def test_the_last_folder_is_the_application() -> None:
    last, application = (
        {name: text for name, text in tutorial.files_of(folder).items() if name.startswith(SHARED)}
        for folder in (STEPS[-1], ROOT / "examples" / "trailbook")
    )
    assert {name.partition("/")[0] for name in last} == {name.rstrip("/") for name in SHARED}
    assert last == application


def test_the_first_page_names_every_step() -> None:
    page = (tutorial.TUTORIAL / "README.md").read_text()
    assert re.findall(r"\]\((.+)/README\.md\)", page) == [step.name for step in STEPS]


def test_a_change_that_fits_nowhere_is_an_error() -> None:
    assert tutorial.changed("a\nb\n", " a\n-b\n+c\n", "here") == "a\nc\n"
    for text in ("a\n", "a\nb\na\nb\n"):
        with pytest.raises(ValueError, match="here"):
            tutorial.changed(text, " a\n-b\n+c\n", "here")
