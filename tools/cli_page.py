"""Writes docs/reference/cli.md from the commands themselves.

`python tools/cli_page.py` rewrites the page, `--check` says whether it is up to date.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer.main

from oxyde.cli import app

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "cli.md"
INTRO = """\
# Commands

<!-- Written by tools/cli_page.py from the commands: change those, not this page. -->

`oxyde COMMAND`, or `python -m oxyde COMMAND`. What each is for: [migrations](../guide/migrations.md), \
[existing databases](../guide/existing-database.md).

Exit status: 0 done; 1 failed, or with a `--check` there is work to do; 2 called wrongly. Results go to \
stdout, everything else to stderr. Without a terminal nothing is asked, as with `--no-input`, which may \
stand before or after every command. Each flag has a form that switches it off, `--no-…` (`--input` for \
`--no-input`).
"""


def page() -> str:
    """The text of the page."""
    root: Any = typer.main.get_command(app)
    parts = [INTRO, "## Options before the command\n", _options(root)]
    for name, command in _commands(root, ""):
        parts += [
            f"## {name}\n",
            f"{_usage(name, command)}\n",
            f"{command.help.strip()}\n",
            _options(command),
        ]
    return "\n".join(parts).rstrip() + "\n"


def _commands(group: Any, prefix: str) -> list[tuple[str, Any]]:
    found = []
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found += [(prefix + name, command)] if inner is None else _commands(command, f"{prefix}{name} ")
    return found


def _arguments(command: Any) -> list[Any]:
    return [each for each in command.params if each.param_type_name == "argument"]


def _usage(name: str, command: Any) -> str:
    words = [f"[{each.name.upper()}]" for each in _arguments(command)]
    return f"`oxyde {' '.join([name, '[OPTIONS]', *words])}`"


def _options(command: Any) -> str:
    lines = ["| Option | Default | |", "|---|---|---|"]
    for each in _arguments(command):
        lines.append(f"| `{each.name.upper()}` | | {each.help} |")
    hidden = ("help", "install_completion", "show_completion", "no_input" if command.name != "oxyde" else "")
    for each in command.params:
        if each.param_type_name == "option" and each.name not in hidden:
            lines.append(f"| {_names(each)} | {_default(each)} | {each.help} |")
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def _names(option: Any) -> str:
    value = "" if option.is_flag else f" {option.metavar or 'TEXT'}"
    # Of a flag that is on, the way to switch it off is what one needs.
    names = option.secondary_opts if option.is_flag and option.default else option.opts
    return ", ".join(f"`{name}{value}`" for name in names)


def _default(option: Any) -> str:
    if option.is_flag:
        return ""
    return "" if option.default in (None, [], ()) else f"`{option.default}`"


def main() -> int:
    """Writes, or compares; the exit status tells."""
    text = page()
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
