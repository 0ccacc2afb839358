"""A JavaScript client that knows only the original protocol, with a real browser's recording."""

import hashlib
import json
import uuid
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest

from tests.parts.node import node
from tests.parts.processes import program
from tests.parts.rest import rest
from tests.parts.server import ServerProcess
from tests.parts.sound import RATE, decode

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

PIECES = 12


@pytest.fixture(scope="module")
def pieces() -> list[str]:
    """The pieces of one MediaRecorder stream, in base64."""
    recorded: list[str] = node("record.mjs", program("chromium"), str(PIECES))
    assert len(recorded) >= PIECES
    return recorded


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_browsers_recording_sent_by_an_original_client_is_whole_on_the_server(
    tmp_path: Path, pieces: list[str], transport: str
) -> None:
    session = str(uuid.uuid4())
    raw = [b64decode(piece) for piece in pieces]
    assert raw[0].startswith(b"\x1a\x45\xdf\xa3")
    assert not raw[1].startswith(b"\x1a\x45\xdf\xa3")
    with ServerProcess(tmp_path / "data", auth="none") as server:
        heard = node("client.mjs", server.url, session, transport, given=json.dumps(pieces))
        assert heard["errors"] == []
        assert heard["started"]["sessionId"] == session
        assert heard["stopped"]["sessionId"] == session
        assert sorted(ack["sequence"] for ack in heard["acks"]) == list(range(len(raw)))
        assert not any(ack["duplicate"] for ack in heard["acks"])
        assert all({"chunkId", "timestamp", "canAccept"} <= set(ack) for ack in heard["acks"])

        missing = rest(server.url, f"/api/sessions/{session}/missing-chunks").json
        assert missing["missing"] == []
        assert (missing["complete"], missing["expectedChunks"]) == (True, len(raw))
        listed = rest(server.url, f"/api/sessions/{session}/chunks").json["chunks"]
        assert [chunk["sha256"] for chunk in listed] == [
            hashlib.sha256(piece).hexdigest() for piece in raw
        ]
        for sequence, piece in enumerate(raw):
            stored = rest(server.url, f"/api/sessions/{session}/chunks/{sequence}")
            assert stored.body == piece

        audio = rest(server.url, f"/api/sessions/{session}/audio").body
        assert audio == b"".join(raw)
        samples = decode(audio)
        spectrum = np.abs(np.fft.rfft(samples[-RATE:]))
        assert abs(int(spectrum.argmax()) - 440) <= 20  # a busy machine drops some of the sound
