"""Every chunk is a complete WebM file that a browser plays alone."""

import json
from base64 import b64encode

import pytest

from tests.parts.capture import recorded_chunks, tone
from tests.parts.node import node
from tests.parts.processes import program

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

SHORT_FIRST = 24
"""Chromium counts the 312 samples in front of a first chunk in whole milliseconds: 7, not 6.5."""


def test_chromium_decodes_every_chunk_alone_to_its_own_samples() -> None:
    chunks = recorded_chunks(tone(48_000 * 7 + 123), chunk_packets=100)
    files = [b64encode(chunk.data).decode() for chunk in chunks]
    first, *later = node("decode.mjs", program("chromium"), given=json.dumps(files))
    assert len(later) == 3
    assert first in {chunks[0].samples, chunks[0].samples - SHORT_FIRST}
    assert later == [chunk.samples for chunk in chunks[1:]]
