"""From samples to the spool: encoder, cutter, journal and spool in their one right order.

The order that keeps sound safe: a packet goes to the journal within 0.5 s (`sync`); a complete
chunk is committed to the spool first, and only then the journal lets go of its packets.
"""

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from scribe_desktop.capture.cutter import SHORTEST_SESSION, Cutter, PlannedChunk, first_sample_of
from scribe_desktop.capture.encoder import Block, OpusEncoder
from scribe_desktop.capture.held import CaptureSpool, NoSpool
from scribe_desktop.capture.journal import Journal, JournalHeader
from scribe_desktop.capture.webm import chunk_file
from scribe_desktop.errors import SpoolError
from scribe_desktop.model import SAMPLE_RATE, Gap, GapReason, Marker, NewSession
from scribe_desktop.spool import FailureKind, NewChunk, SpoolFailureError

MAX_TROUBLE_SAMPLES: Final = 120 * SAMPLE_RATE
"""How much sound is held in memory while the disk refuses it; after that the recording stops."""

_SILENCE_BLOCK: Final = SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class _Waiting:
    planned: PlannedChunk
    chunk: NewChunk


class SessionWriter:
    """One session on its way to the spool; it belongs to one thread.

    `samples` is the length of the timeline so far. While the spool or the journal refuses,
    `trouble` says why and the sound is held (at most two minutes of it); then SpoolError is
    raised, and what the journal has is left for recovery.
    """

    def __init__(
        self,
        spool: CaptureSpool,
        journal: Journal,
        session: NewSession,
        *,
        on_spooled: Callable[[str], None],
        chunk_packets: int | None = None,
    ) -> None:
        self.samples = 0
        self.trouble: SpoolError | None = None
        self._spool = spool
        self._journal = journal
        self._session = session
        self._on_spooled = on_spooled
        self._encoder = OpusEncoder(channels=session.channels, bitrate=session.bitrate)
        self._cutter = Cutter(chunk_packets=chunk_packets) if chunk_packets else Cutter()
        self._silence: Block = np.zeros((_SILENCE_BLOCK, session.channels), np.int16)
        self._open_gap: Gap | None = None
        self._notes: list[Gap | Marker] = []
        self._waiting: list[_Waiting] = []
        self._cut_ms = 0
        self._chunk_cut_ms = 0
        self._trouble_at = 0
        self._journal_broken = False
        self._paused = False
        self._begun = True
        journal.replace(self._header())

    @property
    def session_id(self) -> str:
        """Whose sound it is."""
        return self._session.session_id

    def feed(self, block: Block) -> None:
        """Append captured samples of shape (frames, channels)."""
        self._close_gap()
        self._encode(block)

    def feed_zeros(self, count: int, reason: GapReason) -> list[Block]:
        """Append exact silence in the place of samples that never came; returns it in blocks."""
        if self._open_gap is not None and self._open_gap.reason != reason:
            self._close_gap()
        gap = self._open_gap or Gap(self.samples, 0, reason, 0)
        length = gap.samples + count
        self._open_gap = replace(gap, samples=length, wall_ms=length * 1000 // SAMPLE_RATE)
        blocks = [self._silence] * (count // _SILENCE_BLOCK)
        blocks.append(self._silence[: count % _SILENCE_BLOCK])
        for block in blocks:
            self._encode(block)
        return blocks

    def note_cut(self, reason: GapReason, wall_ms: int) -> None:
        """Label a point at which `wall_ms` are not on the timeline at all."""
        self._close_gap()
        self._cut_ms += wall_ms
        if not self._cutter.pending:
            self._chunk_cut_ms = self._cut_ms
        self._note(Gap(self.samples, 0, reason, wall_ms))

    def note_marker(self, marker: Marker) -> None:
        """Set a marker."""
        self._notes.append(marker)
        self._attempt(self._store_waiting)

    def sync(self) -> None:
        """Bring what came since to the disk; call it every 0.5 s.

        Raises:
            SpoolError: the disk has refused for two minutes of sound.
        """
        self._attempt(self._store_waiting)
        self._attempt(self._sync_journal)

    def pause(self) -> None:
        """End the chunk here and note the pause; samples short of a packet wait in the encoder."""
        self._close_gap()
        self._collect(self._cutter.cut())
        self.sync()
        self._paused = True
        self._attempt(lambda: self._spool.set_paused(self._session.session_id, True))

    def resume(self) -> None:
        """Note the end of a pause."""
        self._paused = False
        self._attempt(lambda: self._spool.set_paused(self._session.session_id, False))

    def finish(self, *, ended_at: int) -> None:
        """Complete the last chunk and the session; the journal goes when the spool has it all.

        Raises:
            SpoolError: the spool refuses; the journal stays for recovery.
        """
        if 0 < self.samples < SHORTEST_SESSION:
            self.feed_zeros(SHORTEST_SESSION - self.samples, GapReason.MUTE)
        self._close_gap()
        if self.samples:
            for packet in self._encoder.finish():
                self._take_packet(packet)
            self._collect(self._cutter.finish(self.samples))
        if self.trouble is not None:
            self.sync()
        self._store_waiting()
        self._spool.end_session(self._session.session_id, ended_at=ended_at)
        self._journal.remove()

    def let_go(self) -> None:
        """Use the spool no more; the sound is held and journalled until `move`."""
        self._spool = NoSpool()

    def move(self, spool: CaptureSpool, journal: Journal) -> None:
        """Go on in another spool, where the session begins with its next chunk.

        An old journal in another folder stays as it is: it is older than the new one.
        """
        with contextlib.suppress(OSError):  # what a failing disk says last changes nothing
            self._journal.close()
        self._spool, self._journal = spool, journal
        self._journal_broken, self._begun = True, False
        self._attempt(self._store_waiting)
        self._attempt(self._sync_journal)

    def abandon(self) -> None:
        """Bring to the journal what can be brought there, and leave the session to recovery."""
        try:
            self._sync_journal()
        finally:
            self._journal.close()

    # ------------------------------------------------------------------------------ packets

    def _encode(self, block: Block) -> None:
        self.samples += len(block)
        for packet in self._encoder.encode(block):
            self._take_packet(packet)

    def _take_packet(self, packet: bytes) -> None:
        self._journal.append_packet(first_sample_of(self._cutter.packets), packet)
        self._collect(self._cutter.add(packet))

    def _collect(self, planned: PlannedChunk | None) -> None:
        if planned is None:
            return
        data = chunk_file(planned, channels=self._session.channels)
        chunk = NewChunk(
            session_id=self._session.session_id,
            sequence=planned.sequence,
            first_sample=planned.first_sample,
            samples=planned.samples,
            sha256=hashlib.sha256(data).hexdigest(),
            data=data,
            started_at=self._started_at(planned.first_sample),
        )
        self._chunk_cut_ms = self._cut_ms
        self._waiting.append(_Waiting(planned, chunk))
        self._attempt(self._store_waiting)

    def _started_at(self, first_sample: int) -> int:
        """The wall time (ms): the session's start, the sound before, the cuts before."""
        sound_ms = first_sample * 1000 // SAMPLE_RATE
        return self._session.started_at + sound_ms + self._chunk_cut_ms

    # ------------------------------------------------------------------------------- spool

    def _store_waiting(self) -> None:
        if not self._begun:
            self._begin_again()
        while self._notes:
            note = self._notes[0]
            if isinstance(note, Gap):
                self._spool.add_gap(self._session.session_id, note)
            else:
                self._spool.add_marker(self._session.session_id, note)
            self._notes.pop(0)
        while self._waiting:
            self._spool.add_chunk(self._waiting[0].chunk)
            self._waiting.pop(0)
            self._replace_journal()
            self._on_spooled(self._session.session_id)

    def _begin_again(self) -> None:
        try:
            self._spool.create_session(self._session)
        except SpoolFailureError as failure:
            if failure.kind is not FailureKind.CONTRADICTION:  # it is there already
                raise
        self._begun = True
        if self._paused:
            self._spool.set_paused(self._session.session_id, True)

    def _close_gap(self) -> None:
        if self._open_gap is not None:
            gap, self._open_gap = self._open_gap, None
            self._note(gap)

    def _note(self, gap: Gap) -> None:
        self._journal.append_gap(gap)
        self._notes.append(gap)
        self._attempt(self._store_waiting)

    # ----------------------------------------------------------------------------- journal

    def _sync_journal(self) -> None:
        if self._journal_broken:
            self._replace_journal()
            return
        if self._open_gap is not None:
            self._journal.append_gap(self._open_gap)
        try:
            self._journal.sync()
        except SpoolError:
            self._journal_broken = True
            raise

    def _replace_journal(self) -> None:
        """Write the journal anew: the pre-roll, and every packet that no stored chunk holds."""
        first = self._waiting[0].planned if self._waiting else None
        pre_roll = first.pre_roll if first else self._cutter.pre_roll
        packets = [*pre_roll]
        for waiting in self._waiting:
            packets += waiting.planned.packets
        packets += self._cutter.pending
        start = self._cutter.packets - len(packets)
        gaps = [note for note in self._notes if isinstance(note, Gap)]
        if self._open_gap is not None:
            gaps.append(self._open_gap)
        self._journal_broken = True
        self._journal.replace(
            self._header(),
            ((first_sample_of(start + index), packet) for index, packet in enumerate(packets)),
            gaps,
        )
        self._journal_broken = False

    def _header(self) -> JournalHeader:
        if self._waiting:
            chunk = self._waiting[0].chunk
            place = chunk.sequence, chunk.first_sample, chunk.started_at
        else:
            first_sample = self._cutter.first_sample
            place = self._cutter.sequence, first_sample, self._started_at(first_sample)
        return JournalHeader(self._session, *place)

    def _attempt(self, action: Callable[[], None]) -> None:
        """Do it; hold the sound when the disk refuses, and give up after two minutes of it."""
        try:
            action()
        except SpoolError as error:
            if self.trouble is None:
                self._trouble_at = self.samples
            self.trouble = error
            if self.samples - self._trouble_at > MAX_TROUBLE_SAMPLES:
                raise
        else:
            if not self._waiting and not self._notes and not self._journal_broken:
                self.trouble = None
