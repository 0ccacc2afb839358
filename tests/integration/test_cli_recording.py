"""The command line with its real bundled server: record, verify, export, send later."""

import json
from pathlib import Path

import pytest
import soundfile

from tests.parts.capture import tone
from tests.parts.desktop import Desktop
from tests.parts.processes import REPOSITORY
from tests.parts.proof import paths_of
from tests.parts.sound import RATE, decode, write_wav

pytestmark = pytest.mark.real
SECONDS = 65
SAMPLE = REPOSITORY / "resources" / "sample-speech.flac"


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "sound.wav", tone(SECONDS * RATE)[:, 0])


@pytest.fixture
def desktop(tmp_path: Path) -> Desktop:
    return Desktop(tmp_path / "home")


def test_the_sample_is_recorded_delivered_verified_and_exported(
    desktop: Desktop, tmp_path: Path
) -> None:
    recorded = desktop.run(
        *("record", "--input", str(SAMPLE), "--speed", "max", "--title", "Team call"),
        *("--wait", "--timeout", "60"),
        json=True,
    )
    assert len(recorded.stdout.splitlines()) == 1
    summary = recorded.json
    length = summary["samples"]
    assert abs(length - soundfile.info(SAMPLE).duration * RATE) <= RATE // 1000
    assert summary["chunks"] == 4
    assert (summary["state"], summary["receipt"]["totalSamples"]) == ("verified", length)

    session_id = summary["sessionId"]
    assert desktop.run("sessions", json=True).json[0] == summary
    assert desktop.run("verify", session_id[:8], json=True).json["proven"]

    receipt = tmp_path / "receipt.json"
    receipt.write_text(recorded.stdout)
    assert desktop.run("verify", str(receipt), json=True).json["sessionId"] == session_id
    receipt.write_text(json.dumps({**summary["receipt"], "chunks": 5}))
    desktop.run("verify", str(receipt), expect=5)

    for name in ("webm", "ogg", "flac", "wav"):
        output = tmp_path / f"out.{name}"
        told = desktop.run(
            "export", session_id[:8], "--format", name, "--output", str(output), json=True
        )
        assert told.json["samples"] == length
        assert len(decode(output)) == length


def test_what_was_recorded_without_a_server_is_sent_later(desktop: Desktop, sound: Path) -> None:
    nobody = {"SCRIBE_SERVER": "http://127.0.0.1:1", "SCRIBE_TOKEN": "scribe_" + "x" * 43}
    recorded = desktop.run("record", "--input", str(sound), "--speed", "max", env=nobody)
    assert "3 parts not sent yet" in recorded.stdout
    waiting = desktop.run("sync", "--once", "--timeout", "1", env=nobody, expect=6)
    assert "safe on this computer" in waiting.stderr
    assert desktop.run("status", json=True).json["pending"] == 3

    sent = desktop.run("sync", "--once", "--timeout", "60", json=True)
    assert (sent.json["pending"], sent.json["verified"]) == (0, 1)
    assert "Everything is delivered" in desktop.run("sync", "--once").stdout


def test_only_so_much_sound_is_taken_as_was_asked_for(desktop: Desktop, sound: Path) -> None:
    recorded = desktop.run(
        "record", "--input", str(sound), "--speed", "max", "--for", "2.5", json=True
    )
    assert recorded.json["samples"] == 2.5 * RATE


def test_a_file_that_is_no_sound_ends_with_3(desktop: Desktop, tmp_path: Path) -> None:
    file = tmp_path / "text.wav"
    file.write_text("no sound")
    assert desktop.run("record", "--input", str(file), expect=3).stderr


def test_without_a_microphone_only_recording_from_it_fails(
    desktop: Desktop, tmp_path: Path
) -> None:
    no_sound = {"PULSE_SERVER": f"unix:{tmp_path / 'nobody'}"}
    assert desktop.run("record", "--input", "mic", "--for", "1", expect=3, env=no_sound).stderr
    checks = desktop.run("doctor", json=True, env=no_sound).json["checks"]
    levels = {check["name"]: check["level"] for check in checks}
    assert (levels["microphone"], levels["encoder"], levels["server"]) == ("warn", "ok", "ok")
    desktop.run("sync", "--once", "--timeout", "60", env=no_sound)


def test_no_token_is_in_any_log(desktop: Desktop, sound: Path) -> None:
    desktop.run("record", "--input", str(sound), "--speed", "max", "--wait", "--timeout", "60")
    logs = list(paths_of(desktop.home).log_dir.iterdir())
    assert {log.name for log in logs} == {"scribe.log", "server.log"}
    for log in logs:
        assert log.stat().st_mode & 0o777 == 0o600
        assert "listen" in log.read_text()
        assert "scribe_ey" not in log.read_text()
        assert "Bearer" not in log.read_text()


def test_the_window_needs_a_display_and_says_so(desktop: Desktop) -> None:
    told = desktop.run("gui", expect=1, env={"QT_QPA_PLATFORM": ""})
    assert "There is no screen" in told.stderr
