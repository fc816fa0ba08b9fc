"""The benchmark suite: contenders do the same work, slow ones take less time, verdicts are right."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import servers

from benchmarks import databases, own_servers
from benchmarks.suite import contenders, profile, rows, run
from benchmarks.suite.apart import Apart
from benchmarks.suite.contenders import RAW, SHOWN, US
from benchmarks.suite.jobs import BY_NAME
from benchmarks.suite.judging import PROMISES, missed, promises
from benchmarks.suite.outcome import OURS, Measured, Outcome, load, outcomes_in
from benchmarks.suite.stages import open_stage

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [rows.document(number).data for number in range(1, rows.DOCUMENTS + 1)]


async def test_every_raw_driver_gives_documents(fresh_database: servers.Server, tmp_path: Path) -> None:
    """And whoever is based on it; text is not the same work."""
    stage = open_stage(fresh_database.backend, fresh_database.url, tmp_path, 1)
    try:
        for name, entry in RAW[fresh_database.backend].items():
            try:
                raw = contenders.make(entry)
            except ModuleNotFoundError:  # as drivers are that only benchmarks need
                continue
            await raw.open(stage.prepare(name))
            try:
                assert [row[1] for row in await raw.documents()] == DOCUMENTS
                validated = contenders.make(replace(entry, kind=contenders.BY_HAND), raw)
                await validated.open(stage.prepare(name))
                assert [model.data for model in await validated.documents()] == DOCUMENTS
            finally:
                await raw.close()
    finally:
        stage.close()


async def test_a_connection_at_hand_does_the_jobs_that_are_promised(
    fresh_database: servers.Server, tmp_path: Path
) -> None:
    if fresh_database.backend != "postgres":
        pytest.skip("asyncpg only")
    pytest.importorskip("asyncpg")
    stage = open_stage("postgres", fresh_database.url, tmp_path, 1)
    held = contenders.make(contenders.HELD["postgres"]["asyncpg connection"])
    try:
        await held.open(stage.prepare("held"))
        assert tuple(await held.get()) == rows.user(500)
        assert len(await held.filter_800()) == BY_NAME["filter_800"].rows
        await held.close()
    finally:
        stage.close()


def test_a_part_of_the_suite_runs_and_leaves_the_committed_report_alone(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.suite import report

    command = [sys.executable, "-m", "benchmarks.suite", "--database", "sqlite", "--loop", "asyncio"]
    command += [
        "--jobs",
        "get,documents,insert_one",
        "--against",
        "sqlite3 + pydantic",
        "--stream-rows",
        "10",
    ]
    command += ["--rounds", "1", "--slice", "0.0001", "--results", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stderr
    heavy = {"oxyde": {"live": 400.0, "resident": 1.0}, "model_validate": {"live": 200.0, "resident": 1.0}}
    (tmp_path / "memory.json").write_text(json.dumps(heavy))
    (path,) = outcomes_in(tmp_path)
    found = load(path)
    assert list(found.kinds) == ["oxyde", "sqlite3", "sqlite3 + pydantic"]
    assert all(len(row) == 3 and all(one.seconds for one in row.values()) for row in found.measured.values())
    report.write(tmp_path, tmp_path / "REPORT.md")
    text = (tmp_path / "REPORT.md").read_text()
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads[:2] == ["# Benchmarks", "## What misses its target"]
    assert "## Single calls" in heads
    assert "| 50% | memory | live bytes a model | model_validate | 400 | ≤ 200 | - |" in text
    assert (tmp_path / "plots" / "sqlite-asyncio.svg").exists()


async def test_what_lasts_longer_than_a_slice_is_measured_three_times() -> None:
    """And its figures still stand beside ours of the same rounds."""

    class Fixed:
        def __init__(self, seconds: float) -> None:
            self.seconds = seconds

        async def slice(self, job: Any, seconds: float) -> float:
            return self.seconds

    runners = {OURS: Fixed(2.0), "quick": Fixed(0.5), "slow": Fixed(3.0)}
    found = await run.measure(BY_NAME["filter_800"], runners, run.Pace(7, 1.0))
    assert {name: len(one.seconds) for name, one in found.items()} == {OURS: 7, "quick": 7, "slow": 3}


def test_a_promise_is_judged_where_its_rival_took_part() -> None:
    promise = next(one for one in PROMISES if one.against == "asyncpg connection" and one.job == "get")
    for seconds, met in ((promise.least + 0.1, True), (promise.least - 0.1, False)):
        row = {OURS: Measured([1.0]), promise.against: Measured([seconds])}
        jobs = {"get": {"title": "get by key", "rows": 1, "writes": False}}
        kinds = {OURS: US, promise.against: SHOWN}
        out = Outcome("postgres", "asyncio", {}, "", jobs, {"get": row}, kinds=kinds)
        (verdict,) = promises(out)
        assert verdict.met is met
        assert [miss.found for miss in missed(out)] == ([] if met else [verdict])


def test_every_promise_names_a_job_and_a_contender() -> None:
    known = {name for database in databases.KNOWN for name in contenders.of_database(database)}
    for promise in PROMISES:
        assert promise.job in BY_NAME
        assert promise.against in known


def test_a_process_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Apart, "patience", 0.2)
    apart = Apart("the sleeper", [sys.executable, "-c", "import time; time.sleep(600)"])
    with pytest.raises(RuntimeError, match="the sleeper did not end within"):
        apart.end()
    assert apart.process.poll() is not None


def test_what_misses_stands_beside_what_c_would_have() -> None:
    from benchmarks.suite.report import misses

    row = {OURS: Measured([2.0]), "aiosqlite": Measured([2.2]), "floor": Measured([1.0])}
    jobs = {"get": {"title": "get by key", "rows": 1, "writes": False}}
    kinds = {OURS: US, "aiosqlite": contenders.USED, "floor": contenders.FLOOR}
    out = Outcome("sqlite", "asyncio", {"database": "SQLite"}, "", jobs, {"get": row}, kinds=kinds)
    (line,) = [line for line in misses([out], None) if "| get by key | aiosqlite (raw" in line]
    assert line.endswith("| 1.10 ± 0.00 | ≥ 1.2 | 2.20 |")


async def test_a_profile_is_of_one_call() -> None:
    called = 0

    async def call() -> None:
        nonlocal called
        called += 1
        await asyncio.sleep(0.01)

    found = await profile.profile_of(call, 0.05)
    assert found.calls == called - profile.WARMING
    assert found.wall >= 0.01
    assert found.waiting > found.user


def test_samples_are_told_by_place_and_function() -> None:
    told = """
    40.00%  _core.cpython-311-x86_64-linux-gnu.so  [.] oxypy_row
    30.00%  python3.11                             [.] _PyEval_EvalFrameDefault
    29.80%  [kernel.kallsyms]                      [k] do_syscall_64
     0.20%  libc.so.6                              [.] 0x0000000000012345
    """
    places, functions = profile.shares(told)
    assert places == {"oxyde": 0.4, "CPython": 0.3, "kernel": pytest.approx(0.298)}
    assert functions == {"oxypy_row": 0.4, "_PyEval_EvalFrameDefault": 0.3}


def test_the_mariadb_of_the_benchmark_does_not_wait_for_the_disk_and_goes_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where the benchmark ends in an error."""
    if not shutil.which("mariadbd", path="/usr/sbin:/usr/bin:" + os.environ.get("PATH", "")):
        pytest.skip("no mariadbd")
    pytest.importorskip("pymysql")
    monkeypatch.delenv(own_servers.URL, raising=False)
    started: list[Any] = []
    make = own_servers.mariadb
    monkeypatch.setattr(own_servers, "mariadb", lambda: started.append(make()) or started[0])
    with pytest.raises(ZeroDivisionError), own_servers.own_servers(["sqlite", "mysql"], None):
        server = databases.Mysql(os.environ[own_servers.URL])
        try:
            assert server.place.port == started[0].port
            assert server.commits() == "innodb_flush_log_at_trx_commit=2, log_bin=0"
            assert server.run("SELECT @@query_cache_size, @@datadir")[0] == (
                0, f"{started[0].folder}/data/",
            )  # fmt: skip
        finally:
            server.close()
        raise ZeroDivisionError
    assert own_servers.URL not in os.environ
    assert started[0].child.poll() is not None
    assert not started[0].folder.exists()


def test_folders_of_killed_runs_are_swept_at_the_next_start(tmp_path: Path) -> None:
    """Not those of runs that go on, nor of servers that have not ended yet."""
    code = (
        "import pathlib, sys; from benchmarks.own_servers import own_folder; "
        "print(own_folder(pathlib.Path(sys.argv[1]))[0], flush=True); sys.stdin.read()"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    try:
        going, ending, killed = [Path(run.stdout.readline().strip()) for run in runs]  # type: ignore[union-attr]
        for run in runs[1:]:
            run.kill()
            run.wait()
        own_servers.sweep(tmp_path, lambda folder: folder == ending)
        assert going.exists()
        assert ending.exists()
        assert not killed.exists()
        own_servers.sweep(tmp_path, lambda folder: False)
        assert list(tmp_path.iterdir()) == [going]
    finally:
        for run in runs:
            run.communicate()


@pytest.mark.parametrize(
    ("names", "url", "environment"),
    [
        (["sqlite", "postgres"], None, None),
        (["mysql"], "mysql://u@h/d", None),
        (["mysql"], None, "mysql://u@h/d"),
    ],
)
def test_no_server_is_started_where_none_is_wanted_or_another_is_named(
    names: list[str], url: str | None, environment: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(own_servers.URL, raising=False)
    if environment:
        monkeypatch.setenv(own_servers.URL, environment)
    monkeypatch.setattr(own_servers, "mariadb", lambda: pytest.fail("started"))
    with own_servers.own_servers(names, url):
        assert os.environ.get(own_servers.URL) == environment
    assert os.environ.get(own_servers.URL) == environment
