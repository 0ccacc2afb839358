"""A recording leaves Scribe as one file: WebM or Ogg/Opus without re-encoding, FLAC or WAV.

The packets of all chunks, pre-roll dropped, are byte for byte those of the one continuous encode,
so what an export decodes to does not depend on where the chunks were cut. Everything is streamed:
memory does not grow with the length.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import av
import soundfile

from scribe_desktop.errors import AudioError, UsageError
from scribe_desktop.library.pcm import decode, write_pcm
from scribe_desktop.library.remux import write_container
from scribe_desktop.library.timeline import ContradictionError, Timeline, build_timeline
from scribe_desktop.library.webm import ChunkPackets, read_chunk
from scribe_desktop.model import Chunk, Session
from scribe_desktop.spool import Spool

FORMATS: Final = ("webm", "ogg", "flac", "wav")
Progress = Callable[[int, int], None]
"""Called with the samples done and the samples in all."""


def export_session(
    spool: Spool,
    session_id: str,
    fmt: str,
    output: Path,
    *,
    progress: Progress | None = None,
) -> int:
    """Write a session as one file and return its samples; `output` appears only when it is whole.

    Raises:
        UsageError: there is no such format.
        AudioError: parts are missing (the message lists them) or `output` cannot be written.
        SpoolError: the spool cannot be read, or a part in it is damaged.
    """
    if fmt not in FORMATS:
        raise UsageError(
            "This format is not known", f"“{fmt}” was asked for.", f"Use {', '.join(FORMATS)}."
        )
    session = spool.session(session_id)
    if session is None:
        raise AudioError("There is no such recording", f"No session has the id {session_id}.", "")
    timeline = _whole_timeline(spool, session)
    source = _Source(spool, timeline, progress)
    with _appearing(output) as path:
        written = source.write(path, fmt, session.channels)
    if written != timeline.total_samples:
        raise _damaged(f"it gives {written} samples instead of {timeline.total_samples}")
    return written


def _whole_timeline(spool: Spool, session: Session) -> Timeline:
    if session.audio_deleted_at is not None:
        raise _missing("The sound of this recording was removed from this computer.")
    try:
        timeline = build_timeline(spool.chunks(session.session_id), spool.gaps(session.session_id))
    except ContradictionError as error:
        raise _damaged(str(error)) from error
    if not timeline.chunks:
        raise _missing("This recording holds no sound.")
    if not timeline.complete:
        raise _missing(f"Missing on this computer: {timeline.missing()}.")
    return timeline


class _Source:
    """The packets of a session in order, read from the spool chunk by chunk."""

    def __init__(self, spool: Spool, timeline: Timeline, progress: Progress | None) -> None:
        self._spool = spool
        self._timeline = timeline
        self._progress = progress

    def write(self, path: Path, fmt: str, channels: int) -> int:
        first = self._timeline.chunks[0]
        first_file = self._spool.chunk_data(first.session_id, first.sequence)
        total = self._timeline.total_samples
        if fmt in {"webm", "ogg"}:
            write_container(path, fmt, first_file, self._packets(), total)
            return total
        blocks = decode(read_chunk(first_file).head, self._packets(), total)
        return write_pcm(path, fmt, channels, blocks, total)

    def _packets(self) -> Iterator[bytes]:
        done = 0
        for chunk in self._timeline.chunks:
            read = read_chunk(self._spool.chunk_data(chunk.session_id, chunk.sequence))
            _check(chunk, read, last=chunk is self._timeline.chunks[-1])
            yield from read.packets
            done += chunk.samples
            if self._progress is not None:
                self._progress(done, self._timeline.total_samples)


def _check(chunk: Chunk, read: ChunkPackets, *, last: bool) -> None:
    held = read.samples
    if held != chunk.samples or (read.discard and not last):
        raise _damaged(f"part {chunk.sequence + 1} holds {held} samples, not {chunk.samples}")


@contextmanager
def _appearing(output: Path) -> Iterator[Path]:
    """A file beside `output` that takes its name when all went well, and goes otherwise."""
    beside = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        yield beside
        beside.replace(output)
    except (OSError, av.error.FFmpegError, soundfile.SoundFileError) as error:
        raise AudioError(
            "The export cannot be written",
            f"{output}: {getattr(error, 'strerror', None) or error}.",
            "Check the folder, its permissions and the free space.",
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def _missing(message: str) -> AudioError:
    return AudioError(
        "The recording is not complete here",
        message,
        "If it was delivered, the server has it: export it from there.",
    )


def _damaged(what: str) -> AudioError:
    return AudioError(
        "The recording contradicts itself",
        f"Parts of it do not fit together: {what}.",
        "Nothing was changed; keep the recording and report this.",
    )
