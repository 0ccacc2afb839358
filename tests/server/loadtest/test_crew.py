"""The command's side of its workers, played by small programs."""

import asyncio
import sys
from pathlib import Path

import pytest

from scribe_server.loadtest.crew import Crew, total
from scribe_server.loadtest.errors import LoadtestError
from scribe_server.loadtest.job import Behaviour, Counts, Job, Progress
from tests.parts.loadtest import plan

JOB = Job("http://x", None, None, plan(), Behaviour(), [], 0, 1, 500.0, 60.0)
GOOD = """
import sys
job = sys.stdin.readline()
assert '"url":"http://x"' in job
print('{"type":"Connected","sessions":1}', flush=True)
assert '"at":7.0' in sys.stdin.readline()
print('{"type":"Progress","counts":{"acked":5},"recent_ms":[1.0],"phase":"sending"}', flush=True)
print('{"type":"Drained"}', flush=True)
print('{"type":"Result","counts":{"acked":5},"latencies":"","slips":"","sessions":[],'
      '"herd":{},"first_due":null,"last_ack":null,"cpu_s":0.5}', flush=True)
"""


def crew(
    program: str, *, workers: int = 2, heard: list[tuple[int, Progress]] | None = None
) -> Crew:
    def hear(number: int, progress: Progress) -> None:
        if heard is not None:
            heard.append((number, progress))

    return Crew([JOB] * workers, hear, command=(sys.executable, "-c", program))


async def run(made: Crew) -> float:
    async with asyncio.timeout(20), made:
        await made.connected()
        await made.begin(7.0)
        await made.drained()
        return sum(result.cpu_s for result in await made.results())


def test_workers_are_led_from_their_job_to_their_result() -> None:
    heard: list[tuple[int, Progress]] = []
    assert asyncio.run(run(crew(GOOD, heard=heard))) == 1.0
    assert sorted(number for number, _ in heard) == [0, 1]
    assert heard[0][1].counts.acked == 5


def test_a_worker_that_says_why_it_fails_ends_the_run_in_its_words() -> None:
    program = 'print(\'{"type":"Failed","message":"unreachable: nobody is there"}\', flush=True)'
    with pytest.raises(LoadtestError, match="nobody is there"):
        asyncio.run(run(crew(program)))


def test_a_worker_that_just_ends_is_told_with_its_exit_code() -> None:
    with pytest.raises(LoadtestError, match="ended with 3"):
        asyncio.run(run(crew("import sys; sys.exit(3)")))


def test_a_failure_is_heard_when_another_worker_is_done_already(tmp_path: Path) -> None:
    mark = tmp_path / "first"
    parting = (
        "import pathlib, time\n"
        "try:\n"
        f"    pathlib.Path({str(mark)!r}).touch(exist_ok=False)\n"
        "except FileExistsError:\n"
        "    time.sleep(0.5)\n"
        "    sys.exit(4)\n"
    )
    program = GOOD.replace(
        'print(\'{"type":"Drained"}\'', f'{parting}print(\'{{"type":"Drained"}}\''
    )
    with pytest.raises(LoadtestError, match="ended with 4"):
        asyncio.run(run(crew(program)))


def test_a_worker_that_does_not_end_with_its_stdin_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scribe_server.loadtest.crew._END_S", 0.2)
    program = (
        'import time; print(\'{"type":"Connected","sessions":1}\', flush=True); time.sleep(99)'
    )
    made = crew(program, workers=1)

    async def leave() -> None:
        async with made:
            await made.connected()

    asyncio.run(leave())
    assert made._workers[0].returncode == -9


def test_counts_add_up() -> None:
    one = Counts(acked=2, held_s=0.5, errors={"busy": 1})
    other = Counts(acked=3, errors={"busy": 2, "internal": 1})
    sums = total([one, other])
    assert (sums.acked, sums.held_s, sums.errors) == (5, 0.5, {"busy": 3, "internal": 1})
    assert total([]) == Counts()
