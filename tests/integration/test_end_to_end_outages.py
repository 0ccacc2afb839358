"""The server dies, hangs or is cut off while a recording runs: nothing is lost, nothing doubled."""

import time
from pathlib import Path

import pytest

from scribe_desktop.model import now_ms
from tests.parts.desktop import Desktop
from tests.parts.network import Network
from tests.parts.processes import Process, wait_until
from tests.parts.proof import assert_delivered, only_session, spool_of
from tests.parts.recorder import captured_samples
from tests.parts.server import ServerProcess
from tests.parts.sound import RATE, make_speech
from tests.parts.virtual_microphone import VirtualMicrophone

pytestmark = pytest.mark.real
RESUMES_WITHIN_MS = 2000
MACHINE_NOISE_MS = 2500


def wait_for_second(home: Path, second: float) -> None:
    """Return when the recorder has captured so many seconds."""
    wait_until(
        lambda: captured_samples(home) >= second * RATE,
        timeout_s=second + 60,
        what=f"{second} s captured",
        every_s=0.2,
    )


def waiting_chunks(home: Path) -> int:
    with spool_of(home) as spool:
        return spool.pending()


def assert_resumed(home: Path, returned_at: int, what: str) -> None:
    """Delivery went on in time after the server's return, by the spool's own record of acks."""
    with spool_of(home) as spool:
        acks = [chunk.acked_at for chunk in spool.chunks(only_session(home).session_id)]
    after = min(ack for ack in acks if ack is not None and ack >= returned_at) - returned_at
    print(f"{what}: delivery went on {after} ms after the server's return")
    assert after <= RESUMES_WITHIN_MS + MACHINE_NOISE_MS


def start_recording(desktop: Desktop, sound: str, url: str, seconds: int) -> Process:
    return desktop.popen(
        *["record", "--input", sound, "--speed", "realtime", "--for", str(seconds)],
        *["--server", url, "--wait", "--timeout", "60", "--json"],
    )


def assert_all_there(
    recorder: Process, home: Path, server: ServerProcess, seconds: int, chunks: int
) -> None:
    assert recorder.wait(90) == 0, recorder.log_text()
    delivered = assert_delivered(home, server, only_session(home).session_id)
    assert len(delivered.chunks) == chunks
    assert delivered.session.total_samples == seconds * RATE


@pytest.mark.takes(82)
def test_a_server_that_is_killed_and_later_hangs_costs_nothing(tmp_path: Path, seed: int) -> None:
    sound = tmp_path / "speech.wav"
    make_speech(sound, seconds=78, seed=seed)
    with ServerProcess(tmp_path / "server") as server:
        desktop = Desktop(tmp_path / "home", env={"SCRIBE_TOKEN": server.token})
        recorder = start_recording(desktop, str(sound), server.url, seconds=76)

        wait_for_second(desktop.home, 22)
        server.kill()
        wait_for_second(desktop.home, 42)
        assert waiting_chunks(desktop.home) == 1, "the outage met no chunk"
        server.restart()
        killed_returned_at = now_ms()

        wait_for_second(desktop.home, 55)
        assert waiting_chunks(desktop.home) == 0
        server.pause()
        wait_for_second(desktop.home, 70)
        assert waiting_chunks(desktop.home) == 1, "the outage met no chunk"
        server.resume()
        paused_returned_at = now_ms()

        assert_all_there(recorder, desktop.home, server, seconds=76, chunks=3)
        assert_resumed(desktop.home, killed_returned_at, "killed for 20 s")
        assert_resumed(desktop.home, paused_returned_at, "paused for 15 s")


@pytest.mark.takes(95)
def test_a_server_that_is_cut_off_for_a_minute_costs_nothing(tmp_path: Path, seed: int) -> None:
    sound = tmp_path / "speech.wav"
    make_speech(sound, seconds=130, seed=seed)
    with (
        ServerProcess(tmp_path / "server") as server,
        Network(server.url) as network,
        VirtualMicrophone() as microphone,
    ):
        env = {**microphone.env, "SCRIBE_TOKEN": server.token}
        desktop = Desktop(tmp_path / "home", env=env)
        microphone.play(sound)
        recorder = start_recording(desktop, "mic", network.url, seconds=88)

        wait_for_second(desktop.home, 20)
        network.black_hole()
        began = time.monotonic()
        time.sleep(60)
        assert waiting_chunks(desktop.home) == 2, "the outage met no chunks"
        connections = network.connections
        network.heal()
        returned_at = now_ms()
        print(f"cut off for {time.monotonic() - began:.1f} s, {connections} connections")

        assert_all_there(recorder, desktop.home, server, seconds=88, chunks=3)
        assert_resumed(desktop.home, returned_at, "cut off for 60 s")
        assert connections > 1, "the client waited on a dead connection"
