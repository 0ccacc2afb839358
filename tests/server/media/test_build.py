import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scribe_server.media import build
from scribe_server.media.build import NotPlayableError, join_fragments, stitch_chunks
from tests.parts.capture import one_chunk, recorded_chunks, tone


async def parts(*given: tuple[int | None, bytes]) -> AsyncIterator[tuple[int | None, bytes]]:
    for part in given:
        yield part


def test_fragments_are_joined_in_order(tmp_path: Path) -> None:
    path = tmp_path / "x"
    asyncio.run(join_fragments(parts((None, b"\x1a\x45\xdf\xa3a"), (None, b"b")), path))
    assert path.read_bytes() == b"\x1a\x45\xdf\xa3ab"


def test_fragments_without_the_piece_with_the_header_are_not_playable(tmp_path: Path) -> None:
    with pytest.raises(NotPlayableError, match="first part"):
        asyncio.run(join_fragments(parts((None, b"b")), tmp_path / "x"))


def test_the_helper_process_stitches_chunks(tmp_path: Path) -> None:
    sound = tone(150_017)
    chunks = recorded_chunks(sound, chunk_packets=50)
    path = tmp_path / "x"
    asyncio.run(stitch_chunks(parts(*((c.first_sample, c.data) for c in chunks)), path))
    assert path.read_bytes() == one_chunk(sound)


def test_what_the_helper_cannot_read_is_not_playable(tmp_path: Path) -> None:
    with pytest.raises(NotPlayableError, match="cannot be read"):
        asyncio.run(stitch_chunks(parts((0, b"nonsense")), tmp_path / "x"))


def test_a_helper_that_ends_early_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_command", lambda _: ["false"])
    big = [(0, bytes(5_000_000))] * 3
    with pytest.raises(NotPlayableError, match="failed"):
        asyncio.run(stitch_chunks(parts(*big), tmp_path / "x"))


def test_a_helper_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_command", lambda _: ["sleep", "60"])
    monkeypatch.setattr(build, "HELPER_TIMEOUT_S", 0.1)
    with pytest.raises(NotPlayableError, match="too long"):
        asyncio.run(stitch_chunks(parts((0, b"x")), tmp_path / "x"))


def test_the_helper_can_neither_open_files_nor_see_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "x")
    program = (
        "import os, sys; from scribe_server.media.stitch import lock_in; lock_in()\n"
        "assert 'SECRET' not in os.environ\n"
        "try: open('/etc/passwd')\n"
        "except OSError as error: sys.exit(40 + (error.errno == 24))"
    )
    monkeypatch.setattr(build, "_command", lambda _: [build.sys.executable, "-I", "-c", program])
    with pytest.raises(NotPlayableError, match=r"exit 41"):
        asyncio.run(stitch_chunks(parts((0, b"x")), tmp_path / "x"))
