"""Hot → warm in a real S3 → restored → warm → cold, and a process that ends on the way."""

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest

from scribe_server.protocol import SessionStatus
from scribe_server.retention.policy import DAY_MS
from scribe_server.retention.restoring import restore
from scribe_server.store.archives.s3 import S3Place
from scribe_server.store.clock import now_ms
from scribe_server.store.errors import ArchiveMissingError
from tests.faults.retention_crashes import BUCKET_VARIABLE
from tests.parts.object_store import BUCKET, ObjectStore
from tests.parts.processes import REPOSITORY
from tests.parts.retention import (
    COOLING,
    archive_rows,
    complete,
    is_hot,
    members_of,
    read,
    run_after,
    status_of,
)
from tests.parts.store import SESSION, Served, audio_of, served

pytestmark = [pytest.mark.real, pytest.mark.takes(10)]
ENDED_AT = (
    "half of the archive written",
    "archive put, not read back",
    "archive committed, hot bytes there",
    "texts committed, audio there",
    "again: committed, older there",
)


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    folder = tmp_path / "swift"
    folder.mkdir()
    with ObjectStore(folder) as store:
        for name, value in store.env.items():
            monkeypatch.setenv(name, value)
        yield store


@pytest.mark.logs_errors
def test_archives_in_a_real_s3_are_whole_whatever_happens_on_the_way(
    bucket: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_uploaded_in_parts_and_read_in_ranges(bucket)
    goes_there_and_back_and_cold(bucket, tmp_path / "circle", monkeypatch)
    loses_nothing_when_a_process_ends(monkeypatch)
    is_known_to_the_commands(bucket, tmp_path / "command")


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=REPOSITORY,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )


def bring_back(server: Served) -> None:
    owner = server.owner()
    asyncio.run(restore(server.store, owner.user_id, owner.name, SESSION))


def goes_there_and_back_and_cold(
    bucket: ObjectStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(folder, archives=S3Place(f"s3://{BUCKET}/circle")) as server:
        owner = server.owner()
        asyncio.run(complete(server, owner))
        with monkeypatch.context() as patch:
            patch.setenv("AWS_SECRET_ACCESS_KEY", "another")
            refused = asyncio.run(run_after(server, 8))
        assert "403" in refused.failures[0].reason
        assert all(is_hot(folder, number) for number in range(3))
        assert status_of(server) is SessionStatus.COMPLETE
    with served(folder, archives=S3Place(f"s3://{BUCKET}/circle")) as server:
        server.clock.now += 8 * DAY_MS
        for _ in range(2):
            assert asyncio.run(run_after(server, 8)).counts.archived == 1
            assert not any(is_hot(folder, number) for number in range(3))
            (row,) = archive_rows(server)
            members = members_of(io.BytesIO(bucket.read(f"circle/{row['key']}")))
            assert members["chunks/0001.webm"] == audio_of(1)
            assert asyncio.run(read(server, owner, 2)) == audio_of(2)
            bring_back(server)
            assert all(is_hot(folder, number) for number in range(3))
        asyncio.run(run_after(server, 8))
        asyncio.run(run_after(server, 31, COOLING))
        assert status_of(server) is SessionStatus.COLD
        (row,) = archive_rows(server)
        keys = [key for key in bucket.all_keys() if key.startswith("circle/")]
        assert keys == [f"circle/{row['key']}"]
        assert "receipt.json" in members_of(io.BytesIO(bucket.read(keys[0])))


def is_uploaded_in_parts_and_read_in_ranges(bucket: ObjectStore) -> None:
    place = S3Place(f"s3://{BUCKET}/parts")
    pieces = [os.urandom(1_000_000) for _ in range(20)]
    with place.put("1/big.zip") as sink:
        for piece in pieces:
            sink.write(piece)
    assert obstore.head(bucket.client(), "parts/1/big.zip")["e_tag"].strip('"').endswith("-3")  # type: ignore[union-attr]
    assert place.size("1/big.zip") == 20_000_000
    assert b"".join(place.stream("1/big.zip")) == b"".join(pieces)
    assert place.read("1/big.zip", 8_388_600, 20) == b"".join(pieces)[8_388_600:8_388_620]
    place.delete("1/big.zip")
    place.delete("1/big.zip")
    with pytest.raises(ArchiveMissingError):
        place.read("1/big.zip", 0, 1)


def loses_nothing_when_a_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv(BUCKET_VARIABLE, f"s3://{BUCKET}")
        done = run("tests.faults.retention_crashes", *ENDED_AT)
    assert json.loads(done.stdout) == {}, done.stderr


def is_known_to_the_commands(bucket: ObjectStore, folder: Path) -> None:
    with served(folder) as server:
        server.clock.now = now_ms() - 10 * DAY_MS
        asyncio.run(complete(server, server.owner()))
    words = ["--data-dir", str(folder), "--archive-dir", f"s3://{BUCKET}/command", "--json"]
    done = run("scribe_server", "retention", "run", "--yes-the-clock-is-right", *words)
    assert json.loads(done.stdout)["counts"]["archived"] == 1, done.stderr
    (key,) = (key for key in bucket.all_keys() if key.startswith("command/"))
    obstore.put(bucket.client(), key, bucket.read(key)[:-1])
    checked = run("scribe_server", "doctor", *words)
    (found,) = json.loads(checked.stdout)["findings"]
    assert (found["kind"], checked.returncode) == ("archive-damaged", 1)
