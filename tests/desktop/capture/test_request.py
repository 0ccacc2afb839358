from pathlib import Path
from typing import Any

import pytest

from scribe_desktop.capture.request import RecordingRequest
from scribe_desktop.errors import UsageError


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"channels": 2, "bitrate": 128_000, "for_samples": 1},
        {"bitrate": 16_000, "device": "usb"},
        {"source": "import", "input_file": Path("x.wav"), "realtime": False},
    ],
)
def test_what_can_be_recorded_is_accepted(values: dict[str, Any]) -> None:
    request = RecordingRequest(session_id="id", title="Call", **values)
    assert {name: getattr(request, name) for name in values} == values


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"bitrate": 15_999}, "bitrate"),
        ({"bitrate": 128_001}, "bitrate"),
        ({"channels": 0}, "channels"),
        ({"channels": 3}, "channels"),
        ({"for_samples": 0}, "length"),
        ({"source": "import"}, "source"),
        ({"input_file": Path("x.wav")}, "source"),
    ],
)
def test_what_cannot_be_recorded_is_refused_in_words(values: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        RecordingRequest(session_id="id", title="Call", **values)
