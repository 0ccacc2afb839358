"""How a running server ends: politely, with its parent, and by force."""

import asyncio
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.parts.processes import wait_until
from tests.parts.raw_client import RawClient
from tests.parts.rest import rest
from tests.parts.server import ServerProcess

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

TOKEN = "scribe_the-token-of-a-child-in-a-test"


def stored(server: ServerProcess, session: str) -> dict[int, str]:
    """What the server says that it has: SHA-256 by sequence."""
    listed = rest(server.url, f"/api/sessions/{session}/chunks", token=server.token).json
    return {chunk["sequence"]: chunk["sha256"] for chunk in listed["chunks"]}


async def send_until_closed(
    server: ServerProcess, session: str, signal_number: int, after: int
) -> dict[int, str]:
    """Keep sending, signal the server after some acks; everything that was acknowledged."""
    acked: dict[int, str] = {}
    sent: dict[int, bytes] = {}
    signalled = False

    async def send(client: RawClient) -> None:
        for sequence in range(10_000):
            sent[sequence] = os.urandom(20_000)
            await client.send_chunk(session, sequence, sent[sequence])

    async with RawClient.connected(server.url, server.token) as client:
        await client.start(session)
        sending = asyncio.get_running_loop().create_task(send(client))
        async with asyncio.timeout(60):
            while (event := await client.receive()) is not None:
                if event[0] == "chunk-ack":
                    acked[event[1]["sequence"]] = event[1]["sha256"]
                if len(acked) >= after and not signalled:
                    os.kill(server.pid, signal_number)
                    signalled = True
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    for sequence, sha256 in acked.items():
        assert sha256 == hashlib.sha256(sent[sequence]).hexdigest()
    return acked


def test_sigterm_acknowledges_what_was_received_and_loses_nothing(tmp_path: Path) -> None:
    session = str(uuid.uuid4())
    with ServerProcess(tmp_path / "data") as server:
        acked = asyncio.run(send_until_closed(server, session, signal.SIGTERM, 30))
        assert server.stop() == 0
        assert "stopped" in server.log_text()
        server.start()
        # Equal: whatever was stored had been acknowledged before the connection was closed.
        assert stored(server, session) == acked


def test_after_a_kill_every_acknowledged_chunk_is_there(tmp_path: Path, rng: random.Random) -> None:
    with ServerProcess(tmp_path / "data") as server:
        for _ in range(3):
            session = str(uuid.uuid4())
            after = rng.randrange(1, 60)
            acked = asyncio.run(send_until_closed(server, session, signal.SIGKILL, after))
            server.kill()
            server.start()
            assert acked.items() <= stored(server, session).items()


def start_child(folder: Path) -> tuple["subprocess.Popen[bytes]", dict[str, Any]]:
    """A child server and what it announced."""
    command = [sys.executable, "-m", "scribe_server", "--data-dir", str(folder)]
    child = subprocess.Popen(
        [*command, "--port", "0", "--announce", "--child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(TOKEN.encode() + b"\n")
    child.stdin.flush()
    announced: dict[str, Any] = json.loads(child.stdout.readline())
    return child, announced


def test_a_child_takes_its_parents_token_and_ends_with_its_stdin(tmp_path: Path) -> None:
    child, announced = start_child(tmp_path / "data")
    with child:
        assert announced["pid"] == child.pid
        listed = rest(announced["url"], "/api/sessions", token=TOKEN)
        assert (listed.status, listed.json["sessions"]) == (200, [])
        assert rest(announced["url"], "/api/sessions", token=TOKEN + "x").status == 401
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(20) == 0


def test_a_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    program = (
        "import json, subprocess, sys, time\n"
        "from pathlib import Path\n"
        "from tests.integration.test_server_shutdown import start_child\n"
        f"child, announced = start_child(Path({str(tmp_path / 'data')!r}))\n"
        "print(json.dumps(announced), flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        announced = json.loads(parent.stdout.readline())
        assert Path(f"/proc/{announced['pid']}").exists()
        parent.kill()

        def gone() -> bool:
            try:
                return (
                    b"scribe_server" not in Path(f"/proc/{announced['pid']}/cmdline").read_bytes()
                )
            except OSError:
                return True

        wait_until(gone, timeout_s=20, what="the child to end")
