"""The test bench itself: what the proofs rest on has to hold."""

import os
import socket
import subprocess
import sys
import threading
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.parts.desktop_session import DesktopSession
from tests.parts.network import Network
from tests.parts.processes import wait_until
from tests.parts.virtual_microphone import VirtualMicrophone

pytestmark = pytest.mark.real


def heard(microphone: VirtualMicrophone, seconds: float) -> np.ndarray:
    sound = ["--format=s16le", "--rate=48000", "--channels=1", "--raw"]
    recorder = subprocess.run(
        ["timeout", str(seconds), "parec", "--device=scribe_mic", *sound],
        env={**os.environ, **microphone.env},
        capture_output=True,
        check=False,
    )
    return np.frombuffer(recorder.stdout[: len(recorder.stdout) // 2 * 2], dtype="<i2")


def write_noise(path: Path, seconds: float, seed: int) -> np.ndarray:
    samples = np.random.default_rng(seed).integers(-9000, 9000, int(seconds * 48_000), "<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48_000)
        out.writeframes(samples.tobytes())
    return samples


def test_two_virtual_microphones_side_by_side_hear_their_own_sound_exactly(
    tmp_path: Path, seed: int
) -> None:
    with VirtualMicrophone() as first, VirtualMicrophone() as second:
        played = write_noise(tmp_path / "noise.wav", 2.0, seed)
        first.play(tmp_path / "noise.wav")
        silence = heard(second, 0.5)
        sound = heard(first, 1.0)
    nonzero = np.flatnonzero(sound)
    assert not silence.any()
    start = nonzero[0]
    piece = sound[start : start + 24_000]
    at = played.tobytes().find(piece.tobytes())
    assert at >= 0
    assert at % 2 == 0


def test_a_crashed_sound_server_comes_back_with_its_devices() -> None:
    with VirtualMicrophone() as microphone:
        microphone.crash()
        gone = subprocess.run(
            ["pactl", "info"],
            env={**os.environ, **microphone.env},
            capture_output=True,
            check=False,
        )
        microphone.restart()
        microphone.unplug()
        microphone.plug()
        microphone.suspend()
        microphone.resume()
        assert gone.returncode != 0
        assert heard(microphone, 0.5).size > 0


def test_a_desktop_session_has_a_screen_a_tray_and_an_unlocked_keyring(tmp_path: Path) -> None:
    script = (
        "import keyring; keyring.set_password('scribe-test', 'a', 'b');"
        "print(keyring.get_password('scribe-test', 'a'))"
    )
    with DesktopSession() as session:
        picture = session.screenshot(tmp_path / "screen.png")
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, **session.env},
            capture_output=True,
            text=True,
            check=False,
        )
        session.click(5, 5)
        session.key("Escape")
        assert done.stdout.strip() == "b", done.stderr
        assert picture.read_bytes()[:4] == b"\x89PNG"


def echo_server() -> tuple[socket.socket, str]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(connection,), daemon=True).start()

    def echo(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(1000):
                    connection.sendall(data)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def asks(link: socket.socket, timeout_s: float = 5) -> bytes | None:
    link.settimeout(timeout_s)
    try:
        link.sendall(b"ping")
        return link.recv(100)
    except TimeoutError:
        return None


def test_a_black_hole_lets_nothing_through_and_new_connections_work_after_it() -> None:
    listener, url = echo_server()
    with listener, Network(url) as network:
        address = ("127.0.0.1", network.port)
        with socket.create_connection(address) as old:
            assert asks(old) == b"ping"
            network.black_hole()
            assert asks(old, 0.3) is None
            with socket.create_connection(address) as new:
                assert asks(new, 0.3) is None
                network.heal()
                assert asks(new) in {b"ping", b"pingping"}
            assert asks(old, 0.3) is None


def test_a_cut_network_resets_old_and_new_connections_until_it_heals() -> None:
    listener, url = echo_server()
    with listener, Network(url) as network:
        address = ("127.0.0.1", network.port)
        with socket.create_connection(address) as old:
            assert asks(old) == b"ping"
            network.cut()
            with pytest.raises(ConnectionError):
                wait_until(lambda: asks(old) is None, timeout_s=5, what="a reset")
        with socket.create_connection(address) as new, pytest.raises(ConnectionError):
            wait_until(lambda: asks(new) == b"never", timeout_s=5, what="a reset")
        network.heal()
        with socket.create_connection(address) as link:
            assert asks(link) == b"ping"
