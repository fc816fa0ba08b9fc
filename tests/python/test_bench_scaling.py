"""The sweeps of `make bench-scaling`: they run, and their verdicts tell a line from a curve."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.scaling import outcome, report
from benchmarks.scaling.outcome import Found, Growth

ROOT = Path(__file__).resolve().parents[2]
SIZES = (1, 10, 100, 1_000, 10_000)


def growth(seconds):
    return Growth("made up", [Found(size, size, [seconds(size)], [seconds(size)]) for size in SIZES])


def test_a_line_is_flat_whatever_a_call_costs_at_least():
    found = growth(lambda size: 50e-6 + size * 2e-6)
    assert found.line() == pytest.approx((50e-6, 2e-6))
    assert [point.size for point in found.large] == [100, 1_000, 10_000]
    assert found.worst == pytest.approx(2.5 / 2.005, rel=1e-3)
    assert report.verdict(found) == "flat"


def test_a_square_is_not_flat_and_says_where():
    found = growth(lambda size: 1e-6 * size + 1e-9 * size**2)
    assert report.verdict(found) == "**not flat**"
    assert [point.size for point in found.found if found.bends(point)] == [10_000]
    assert found.exponent == pytest.approx(1.74, abs=0.01)


def test_small_calls_alone_prove_nothing():
    found = growth(lambda size: 1e-3 + size * 1e-9)
    assert found.large == []
    assert report.verdict(found) == "fixed cost outweighs"


def test_what_was_refused_stands_in_the_table_in_the_servers_words():
    found = growth(lambda size: size * 1e-6)
    found.found[-1] = Found(10_000, 10_000, refused="OperationalError: a|b")
    assert report.cell(found, found.found[-1]) == "OperationalError: a\\|b"
    assert found.large[-1].size == 1_000


def test_every_sweep_runs_on_sqlite(tmp_path):
    command = [sys.executable, "-m", "benchmarks.scaling", "--database", "sqlite", "--largest", "100"]
    command += ["--rounds", "1", "--slice", "0.0001", "--results", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stderr
    found = outcome.load(tmp_path / "sqlite.json")
    assert list(found.sweeps) == ["rows", "tasks", "columns", "conditions"]
    sizes = {name: [f.size for f in swept.growths[0].found] for name, swept in found.sweeps.items()}
    assert sizes["rows"] == [10, 100]
    assert sizes["tasks"][-1] == 1_000
    assert sizes["columns"][-1] == 500
    assert sizes["conditions"][-1] == 10_000
    assert all(f.refused or f.seconds for _, growth in found.growths() for f in growth.found)
    assert "Conditions of a query" in ended.stdout
