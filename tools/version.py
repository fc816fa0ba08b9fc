#!/usr/bin/env python3
"""Prints the version, whose one home is python/oxyde/_version.py."""

import pathlib
import re

source = pathlib.Path(__file__).parent.parent / "python" / "oxyde" / "_version.py"
match = re.search(r'__version__ = "([^"]+)"', source.read_text())
if match is None:
    raise SystemExit(f"no __version__ in {source}")
print(match.group(1))
