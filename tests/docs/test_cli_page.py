"""docs/reference/cli.md says what the commands say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_page_of_commands_is_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "tools" / "cli_page.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run tools/cli_page.py\n{done.stderr}"


def test_it_names_every_option_of_the_contract() -> None:
    text = (ROOT / "docs" / "reference" / "cli.md").read_text()
    sections = {part.partition("\n")[0]: part for part in text.split("\n## ")[1:]}
    for command, options in {
        "Options before the command": "--config --version --no-input",
        "init": "--models --dialect --url --dir --yes",
        "makemigrations": "--name --dry-run --check --empty --merge --rename --default --adopt "
        "--concurrent-indexes --no-stubs",
        "migrate": "TARGET --target --fake --plan --db-alias --lock-timeout --strict",
        "showmigrations": "--db-alias --json",
        "sqlmigrate": "NAME --backwards --dialect --all --db-alias",
        "migrations squash": "--name --yes -y --keep",
        "inspectdb": "--db-alias --url --table --schema --output --baseline",
        "check": "--db-alias --json",
        "generate-stubs": "--check",
    }.items():
        for option in options.split():
            assert f"`{option}`" in sections[command] or f"`{option} " in sections[command], (command, option)
