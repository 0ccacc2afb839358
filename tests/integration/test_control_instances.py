"""Several processes and one spool: one owner does the work, the others ask it."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from scribe_desktop.control import is_listening
from tests.parts.capture import tone
from tests.parts.desktop import Desktop, parse_json
from tests.parts.processes import Process, wait_until
from tests.parts.proof import only_session, paths_of
from tests.parts.recorder import captured_samples, status_of
from tests.parts.sound import RATE, write_wav

pytestmark = pytest.mark.real


@pytest.fixture
def sound(tmp_path: Path) -> str:
    return str(write_wav(tmp_path / "sound.wav", tone(120 * RATE)[:, 0]))


@pytest.fixture
def desktop(tmp_path: Path) -> Desktop:
    return Desktop(tmp_path / "home")


@pytest.fixture
def recorder(desktop: Desktop, sound: str) -> Iterator[Process]:
    process = desktop.popen("record", "--input", sound, "--title", "First", "--json")
    process.wait_ready(lambda: captured_samples(desktop.home) > RATE, what="a second of sound")
    yield process
    process.end()


@pytest.fixture
def window(desktop: Desktop) -> Iterator[Process]:
    process = desktop.popen("gui")
    socket = paths_of(desktop.home).control_socket
    process.wait_ready(lambda: is_listening(socket), what="the control socket")
    yield process
    process.end(20)


def child_server(process: Process) -> psutil.Process:
    def find() -> psutil.Process | None:
        children = psutil.Process(process.pid).children()
        return next((c for c in children if "scribe_server" in " ".join(c.cmdline())), None)

    found = wait_until(find, timeout_s=20, what="the bundled server")
    assert found is not None
    return found


def server_is_up(desktop: Desktop) -> bool:
    log = paths_of(desktop.home).server_log_file
    return log.exists() and "listening" in log.read_text()


def test_recording_while_recording_ends_with_4(
    desktop: Desktop, recorder: Process, sound: str
) -> None:
    refused = desktop.run("record", "--input", sound, expect=4)
    assert "'First'" in refused.stderr
    assert recorder.alive


def test_status_and_toggle_reach_the_owner_over_its_socket(
    desktop: Desktop, recorder: Process
) -> None:
    status = desktop.run("status", json=True).json
    assert (status["running"], status["pid"]) == (True, recorder.pid)
    assert status["capture"]["title"] == "First"
    toggled = desktop.run("toggle", json=True).json
    assert toggled == {"sessionId": status["capture"]["sessionId"], "recording": False}
    assert recorder.wait(30) == 0
    summary = parse_json(recorder.log_text())
    assert summary["sessionId"] == toggled["sessionId"]
    assert summary["samples"] >= RATE


def test_reading_works_while_another_process_records(desktop: Desktop, recorder: Process) -> None:
    assert desktop.run("sessions", json=True).json[0]["state"] == "recording"
    assert recorder.alive


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_recording_with_all_of_it_in_the_spool(
    desktop: Desktop, recorder: Process, number: signal.Signals
) -> None:
    recorder.signal(number)
    assert recorder.wait(30) == 0
    session = only_session(desktop.home)
    assert (session.recovered, session.ended_at is not None) == (False, True)
    assert parse_json(recorder.log_text())["samples"] == session.total_samples >= RATE


def test_a_killed_recorder_takes_its_server_along_and_is_recovered(
    desktop: Desktop, recorder: Process
) -> None:
    server = child_server(recorder)
    recorder.wait_ready(lambda: server_is_up(desktop), what="the bundled server")
    captured = captured_samples(desktop.home)
    recorder.signal(signal.SIGKILL)
    recorder.wait(10)
    wait_until(lambda: not server.is_running(), timeout_s=20, what="the server's end")

    sent = desktop.run("sync", "--once", "--timeout", "60", json=True).json
    assert (sent["verified"], sent["problems"]) == (1, [])
    session = only_session(desktop.home)
    assert session.recovered
    assert session.total_samples >= captured - RATE


def test_a_killed_server_is_started_again_and_everything_is_delivered(
    desktop: Desktop, sound: str
) -> None:
    recorder = desktop.popen(
        *("record", "--input", sound, "--for", "8", "--wait", "--timeout", "60", "--json")
    )
    server = child_server(recorder)
    recorder.wait_ready(lambda: server_is_up(desktop), what="the bundled server")
    server.kill()
    assert recorder.wait(120) == 0
    assert parse_json(recorder.log_text())["state"] == "verified"
    log = paths_of(desktop.home).server_log_file.read_text()
    assert log.count("listening") >= 2


def test_the_window_records_what_the_command_line_asks_for(
    desktop: Desktop, window: Process, sound: str
) -> None:
    recorded = desktop.run(
        *("record", "--input", sound, "--speed", "max", "--for", "40"),
        *("--wait", "--timeout", "60"),
        json=True,
    )
    assert recorded.json["state"] == "verified"
    assert window.alive
    status = status_of(desktop.home)
    assert status is not None
    assert status["pid"] == window.pid


def test_a_second_window_raises_the_first_one_and_ends(desktop: Desktop, window: Process) -> None:
    def raised() -> bool:
        return desktop.run("gui", expect=None).exit_code == 0

    wait_until(raised, timeout_s=30, what="the first window")
    assert window.alive


def test_when_the_owner_goes_the_one_who_waits_delivers(
    desktop: Desktop, window: Process, sound: str
) -> None:
    waiting = desktop.popen(
        *("record", "--input", sound, "--speed", "max", "--wait", "--timeout", "90", "--json")
    )
    session_id = waiting.wait_ready(
        lambda: [line for line in waiting.log_text().splitlines() if "Recording" in line],
        what="the recording",
    )[0].split()[1].rstrip(".")  # fmt: skip
    wait_until(
        lambda: only_session(desktop.home).ended_at is not None, timeout_s=60, what="its end"
    )
    window.signal(signal.SIGKILL)
    window.wait(10)
    assert waiting.wait(120) == 0
    summary = parse_json(waiting.log_text())
    assert (summary["sessionId"], summary["state"]) == (session_id, "verified")


def test_a_recording_whose_owner_is_killed_is_recovered_by_the_one_who_asked_for_it(
    desktop: Desktop, window: Process, sound: str
) -> None:
    asking = desktop.popen("record", "--input", sound, "--json")
    asking.wait_ready(lambda: captured_samples(desktop.home) > 2 * RATE, what="two seconds")
    window.signal(signal.SIGKILL)
    window.wait(10)
    assert asking.wait(60) == 8
    session = only_session(desktop.home)
    assert session.recovered
    assert session.total_samples >= RATE
    assert "last second at most" in asking.log_text()
