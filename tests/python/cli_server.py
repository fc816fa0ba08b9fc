"""Runs commands of `oxyde`, each in a forked process; see `cli_project`.

Reads a request per line: arguments, folder, environment. Answers with status, output and errors.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from typing import Any, NoReturn

import oxyde.cli
import oxyde.cli._database
import oxyde.cli._history
import oxyde.migrations
import oxyde.migrations.config
import oxyde.migrations.squash


def command(request: dict[str, Any], out: int, err: int) -> NoReturn:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for place, source in enumerate((nothing, out, err)):
        os.dup2(source, place)
    os.chdir(request["folder"])
    os.environ.update(request["environment"])
    sys.path[0] = request["folder"]
    code = 1
    try:
        oxyde.cli.app(request["arguments"], prog_name="oxyde")
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    for line in sys.stdin:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            pid = os.fork()
            if pid == 0:
                command(json.loads(line), out.fileno(), err.fileno())
            _, status = os.waitpid(pid, 0)
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode())
        print(json.dumps([os.waitstatus_to_exitcode(status), *texts]), flush=True)


main()
