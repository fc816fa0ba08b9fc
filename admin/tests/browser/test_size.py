"""What a browser has to load."""

from __future__ import annotations

from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[2] / "oxyde_admin" / "static"


@pytest.mark.parametrize(("kind", "limit"), [("js", 350_000), ("css", 60_000)])
def test_compressed_files_stay_below_the_limit(kind: str, limit: int) -> None:
    files = list(STATIC.glob(f"**/*.{kind}.gz"))
    assert files, "the front end is not built"
    assert sum(file.stat().st_size for file in files) <= limit


def test_every_text_file_is_there_compressed() -> None:
    for file in STATIC.glob("assets/*"):
        if file.suffix in (".js", ".css", ".svg"):
            assert Path(f"{file}.gz").exists() and Path(f"{file}.br").exists(), file


def test_page_names_no_other_host() -> None:
    assert "//" not in (STATIC / "index.html").read_text("utf-8")
