"""Whatever a machine makes of the OpenAPI document, no answer is a fault of ours."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers

HERE = Path(__file__).resolve().parent
CHECKS = "not_a_server_error,content_type_conformance,response_schema_conformance"
SECONDS = 60

pytest.importorskip("schemathesis")
pytest.importorskip("uvicorn")


@pytest.fixture(params=["sqlite"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where the panel of fuzzed_host.py answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = [HERE, HERE.parent, HERE.parents[1] / "tests" / "support", os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    with servers.fresh_database(request.param) as place:
        log = (tmp_path / "host.log").open("wb")
        host = subprocess.Popen(
            [sys.executable, str(HERE / "fuzzed_host.py"), str(port), place.url],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(port, host)
            yield f"http://127.0.0.1:{port}/admin"
        finally:
            host.terminate()
            host.wait(20)
            log.close()


def _wait_for(port: int, host: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and host.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the host does not answer")


def test_no_request_made_of_the_document_is_a_fault_of_ours(address, tmp_path):
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{address}/api/-/openapi.json"]
    command += ["--url", address, "--checks", CHECKS, "--max-examples", "12", "--seed", "7", "--no-color"]
    command += ["--phases", "examples,coverage,fuzzing", "--max-time", str(SECONDS), "--no-shrink"]
    command += ["--continue-on-failure", "--generation-database", ":memory:", "--warnings", "off"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=3 * SECONDS, check=False
    )
    faults = (tmp_path / "host.log").read_text()
    assert "Traceback" not in faults, faults[-6000:]
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    # It did ask: a run that finds no operation would be a success as well.
    assert "GET /api/{m}" in done.stdout or "Operations" in done.stdout, done.stdout[-2000:]
