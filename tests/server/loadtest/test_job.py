import msgspec

from scribe_server.loadtest.job import (
    Behaviour,
    Connected,
    Counts,
    Drained,
    Failed,
    FromWorker,
    HerdTimes,
    Job,
    Progress,
    Result,
)
from tests.parts.loadtest import plan

MESSAGES = [
    Connected(3),
    Progress(Counts(acked=2, errors={"busy": 1}), [1.5], "sending"),
    Drained(),
    Result(Counts(), b"\0" * 8, b"", [], HerdTimes(), None, 2.0, 0.5),
    Failed("no server"),
]


def test_every_message_of_a_worker_survives_its_line() -> None:
    for message in MESSAGES:
        line = msgspec.json.encode(message)
        assert b"\n" not in line
        assert msgspec.json.decode(line, type=FromWorker) == message


def test_a_job_survives_its_line() -> None:
    job = Job("http://x", None, "ann", plan(), Behaviour(cuts=3), ["a"], 0, 1, 500.0, 60.0)
    assert msgspec.json.decode(msgspec.json.encode(job), type=Job) == job


def test_errors_are_counted_by_code_and_not_shared() -> None:
    counts = Counts()
    counts.error("busy")
    counts.error("busy")
    assert counts.errors == {"busy": 2}
    assert Counts().errors == {}
