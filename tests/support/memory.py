"""How much memory this process has."""

from __future__ import annotations

import os
from pathlib import Path


def resident() -> int:
    """Bytes of it that are in RAM. Always 0 under AddressSanitizer, which holds freed memory back."""
    if "libasan" in os.environ.get("LD_PRELOAD", ""):
        return 0
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
