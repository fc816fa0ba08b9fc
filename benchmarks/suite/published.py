"""The published oxyde, in an environment and a process of its own: it does the same jobs in the same
words and measures its slices itself, on request through a pipe. One line of JSON each way."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.databases import Place
from benchmarks.suite.apart import Apart
from benchmarks.suite.jobs import Job

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements" / "bench-published.txt"
ENVIRONMENT = ROOT / "build" / "bench" / "published"


def interpreter() -> Path:
    """Of the environment, which is made at the first use."""
    python = ENVIRONMENT / "bin" / "python"
    done = ENVIRONMENT / REQUIREMENTS.name
    if not done.exists() or done.read_bytes() != REQUIREMENTS.read_bytes():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(REQUIREMENTS)], check=True)
        done.write_bytes(REQUIREMENTS.read_bytes())
    return python


class Published:
    """The other end of the pipe, in the shape of a contender that measures itself."""

    apart: Apart | None = None

    async def open(self, place: Place) -> None:
        self.apart = Apart(
            "the published oxyde",
            self.command(type(asyncio.get_running_loop()).__module__.partition(".")[0]),
            folder=ROOT,
            environment={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.ask("open", place=asdict(place))

    def command(self, loop: str) -> list[str]:
        """The other process, on the same kind of loop."""
        return [str(interpreter()), "-m", "benchmarks.suite.published", loop]

    def ask(self, what: str, **details: Any) -> Any:
        """The answer, decoded."""
        if self.apart is None:
            raise RuntimeError("the published oxyde is not open")
        return json.loads(self.apart.exchange(json.dumps({"what": what, **details})))

    async def attempt(self, job: Job) -> str | None:
        found: str | None = self.ask("attempt", job=asdict(job))
        return found

    async def slice(self, job: Job, seconds: float) -> float:
        return float(self.ask("slice", job=asdict(job), seconds=seconds))

    async def calls(self, job: Job, number: int) -> list[float]:
        found: list[float] = self.ask("calls", job=asdict(job), number=number)
        return found

    async def close(self) -> None:
        if self.apart is not None:
            self.ask("close")
            self.apart.end()


async def serve(requests: Any, answers: Any) -> None:
    """In the other process: answers until told to close."""
    from benchmarks.suite.contenders.oxyde_ import Contender
    from benchmarks.suite.measuring import Local

    local = Local(Contender())

    async def answer(asked: dict[str, Any]) -> Any:
        job = Job(**asked["job"]) if "job" in asked else None
        if asked["what"] == "open":
            return await local.open(Place(**asked["place"]))
        if job is None:
            return await local.close()
        if asked["what"] == "slice":
            return await local.slice(job, asked["seconds"])
        if asked["what"] == "calls":
            return await local.calls(job, asked["number"])
        try:
            return await local.attempt(job)
        except Exception as error:  # what it cannot do is a result
            return f"{type(error).__name__}: {error}".splitlines()[0]

    for line in requests:
        asked = json.loads(line)
        print(json.dumps(await answer(asked)), file=answers, flush=True)
        if asked["what"] == "close":
            return


def main() -> None:
    """Standard output is the pipe; whatever else is printed goes to the terminal."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    work = serve(sys.stdin, answers)
    if sys.argv[1] == "uvloop":
        import uvloop

        uvloop.run(work)
    else:
        asyncio.run(work)


if __name__ == "__main__":
    main()
