import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scribe_desktop import doctor
from scribe_desktop.capture import devices
from scribe_desktop.config import Settings
from scribe_desktop.credentials import KeyringCredentials
from scribe_desktop.doctor import Level, Patient, examine, integrity, lacking
from scribe_desktop.errors import AudioError, ScribeError
from scribe_desktop.server_api import ServerApi
from scribe_desktop.spool.quarantine import FILE_NAME, REPORT
from tests.parts.fake_app_parts import paths_in
from tests.parts.filled_spool import add_session, session_id_of, spool_in

REMOTE = Settings(server="https://scribe.example")


def patient(folder: Path, settings: Settings | None = None, **environ: str) -> Patient:
    return Patient(paths_in(folder), settings or Settings(), environ)


def microphone(name: str = "mic", *, monitor: bool = False) -> Any:
    return devices.AudioDevice(
        name=name, description=f"The {name}", is_default=True, is_monitor=monitor
    )


def no_keyring(_self: KeyringCredentials) -> str:
    raise ScribeError("No keyring", "There is none.", "Get one.")


def test_every_check_speaks_and_an_error_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Patient) -> tuple[Level, str]:
        raise ScribeError("Title", "It is broken.", "Mend it.")

    monkeypatch.setattr(doctor, "CHECKS", {"one": doctor.check_python, "two": broken})
    first, second = examine(patient(tmp_path))
    assert (first.name, first.level) == ("one", Level.OK)
    assert (second.level, second.words) == (Level.FAIL, "It is broken. Mend it.")


def test_an_old_python_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    assert doctor.check_python(patient(tmp_path)) == (Level.FAIL, "Python 3.10.1.")


def test_missing_libraries_come_with_the_command_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.check_libraries(patient(tmp_path))[0] is Level.OK
    monkeypatch.setattr(doctor, "lacking", lambda _: ["av"])
    level, words = doctor.check_libraries(patient(tmp_path))
    assert level is Level.FAIL
    assert "pip install 'scribe-recorder[desktop]'" in words


def test_a_module_that_is_not_there_is_lacking() -> None:
    assert lacking(("sys", "no_such_module_at_all")) == ["no_such_module_at_all"]


def test_the_opus_encoder_is_really_made(tmp_path: Path) -> None:
    assert doctor.check_encoder(patient(tmp_path))[0] is Level.OK


def test_without_portaudio_there_is_only_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> list[Any]:
        raise AudioError("No PortAudio", "It is not installed.", "Install it.")

    monkeypatch.setattr(devices, "list_devices", fail)
    level, words = doctor.check_microphone(patient(tmp_path))
    assert level is Level.WARN
    assert "Install it." in words


@pytest.mark.parametrize(
    ("found", "wanted", "level"),
    [
        ([], "", Level.WARN),
        ([microphone("speakers", monitor=True)], "", Level.WARN),
        ([microphone()], "", Level.OK),
        ([microphone()], "another", Level.WARN),
        ([microphone()], "mic", Level.OK),
    ],
)
def test_the_microphone_of_the_settings_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: Any, wanted: str, level: Level
) -> None:
    monkeypatch.setattr(devices, "list_devices", lambda: found)
    assert doctor.check_microphone(patient(tmp_path, Settings(device=wanted)))[0] is level


def test_no_recordings_are_fine(tmp_path: Path) -> None:
    assert doctor.check_spool(patient(tmp_path)) == (Level.OK, "Nothing was recorded yet.")


def test_the_recordings_are_counted(tmp_path: Path) -> None:
    at = patient(tmp_path)
    with_one = spool_in(at.paths.spool_dir)
    add_session(with_one, session_id_of(1), chunks=2)
    with_one.close()
    level, words = doctor.check_spool(at)
    assert level is Level.OK
    assert "1 recordings, 2 parts to send" in words


def test_a_file_in_quarantine_is_told_with_what_was_saved_of_it(tmp_path: Path) -> None:
    at = patient(tmp_path)
    at.paths.spool_dir.mkdir(parents=True)
    (at.paths.spool_dir / FILE_NAME).write_bytes(b"no database at all" * 100)
    with closing(spool_in(at.paths.spool_dir)) as fresh:
        level, words = doctor.check_spool(at)
        assert level is Level.WARN
        assert "Nothing was taken over yet; start Scribe to try again" in words
        fresh.salvage_quarantined()
    level, words = doctor.check_spool(at)
    assert level is Level.WARN
    assert "Nothing in it can be read" in words
    assert str(fresh.quarantined) in words


def test_a_report_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / REPORT).write_text("not JSON", encoding="utf-8")
    assert "Its report cannot be read" in doctor.report_of(tmp_path / FILE_NAME)


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "broken"
    file.write_bytes(b"this is no database at all" * 100)
    assert "not a database" in integrity(file)


def test_recordings_in_a_rescue_folder_are_told(tmp_path: Path) -> None:
    examined = patient(tmp_path)
    assert doctor.check_rescue(examined)[0] is Level.OK
    elsewhere = replace(examined, paths=replace(examined.paths, rescue_dirs=(tmp_path / "there",)))
    with closing(spool_in(tmp_path / "there" / "spool")) as spool:
        add_session(spool, session_id_of(1), chunks=1)
    level, words = doctor.check_rescue(elsewhere)
    assert level is Level.WARN
    assert str(tmp_path / "there") in words


@pytest.mark.parametrize(
    ("free", "level"), [(1 << 20, Level.FAIL), (500 << 20, Level.WARN), (2 << 30, Level.OK)]
)
def test_little_room_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: Level
) -> None:
    monkeypatch.setattr(doctor, "free_bytes", lambda _: free)
    assert doctor.check_room(patient(tmp_path))[0] is level


def test_a_keyring_is_needed_only_for_a_server_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeyringCredentials, "backend", no_keyring)
    assert doctor.check_keyring(patient(tmp_path))[0] is Level.WARN
    assert doctor.check_keyring(patient(tmp_path, REMOTE))[0] is Level.FAIL
    assert doctor.check_keyring(patient(tmp_path, REMOTE, SCRIBE_TOKEN="t"))[0] is Level.WARN
    monkeypatch.setattr(KeyringCredentials, "backend", lambda _: "A keyring")
    assert doctor.check_keyring(patient(tmp_path, REMOTE)) == (Level.OK, "A keyring.")


def test_the_server_of_the_settings_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.check_server(patient(tmp_path))[0] is Level.OK
    assert doctor.check_server(patient(tmp_path, Settings(server="")))[0] is Level.WARN
    monkeypatch.setattr(doctor, "lacking", lambda _: ["sqlalchemy"])
    level, words = doctor.check_server(patient(tmp_path))
    assert level is Level.FAIL
    assert "scribe-recorder[server]" in words


def test_a_server_out_of_reach_fails(tmp_path: Path) -> None:
    settings = Settings(server="http://127.0.0.1:1")
    findings = {check.name: check for check in examine(patient(tmp_path, settings))}
    assert findings["server"].level is Level.FAIL
    assert "127.0.0.1:1" in findings["server"].words


@pytest.mark.parametrize(
    ("ahead_ms", "level"), [(1_000, Level.OK), (-1_000, Level.OK), (200_000, Level.WARN)]
)
def test_a_clock_that_is_off_by_minutes_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_ms: int, level: Level
) -> None:
    async def clock(_self: ServerApi) -> int:
        return 1_000_000

    monkeypatch.setattr(ServerApi, "clock", clock)
    monkeypatch.setattr(doctor, "now_ms", lambda: 1_000_000 + ahead_ms)
    assert doctor.check_clock(patient(tmp_path, REMOTE))[0] is level
    assert doctor.check_clock(patient(tmp_path))[0] is Level.OK
