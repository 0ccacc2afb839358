"""After a crash: what the journals hold becomes chunks, and open sessions are ended.

For each journal: (1) read it up to its last whole record; (2) leave out packets that a chunk in
the spool holds already, known by their first sample; (3) cut the rest into chunks, with the four
packets before them as pre-roll; (4) commit them, add the gaps, end the session as recovered;
(5) remove the journal. Dying between two steps is harmless: every step can be done again.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from scribe_desktop.capture.cutter import PRE_ROLL_PACKETS, Cutter, PlannedChunk, first_sample_of
from scribe_desktop.capture.journal import SUFFIX, JournalContents, read_journal
from scribe_desktop.capture.webm import chunk_file
from scribe_desktop.model import (
    ENCODER_DELAY,
    PACKET_SAMPLES,
    SAMPLE_RATE,
    Gap,
    GapReason,
    now_ms,
)
from scribe_desktop.spool import NewChunk, Spool
from scribe_desktop.spool.failures import converted


def recover_sessions(
    spool: Spool, *journal_folders: Path, clock: Callable[[], int] = now_ms
) -> list[str]:
    """Turn journals and open sessions into ended, recovered sessions; returns their ids.

    Of a session with a journal in several folders the first one counts.

    A session that never captured anything is removed. A file that is no journal is put aside
    (`.damaged`) and kept.

    Raises:
        SpoolError: the spool or the folder refuses; nothing is lost, try again later.
    """
    recovered: list[str] = []
    journals = (sorted(folder.glob(f"*{SUFFIX}")) for folder in journal_folders)
    for path in chain.from_iterable(journals):
        contents = read_journal(path)
        if contents is None:
            _put_aside(path, clock)
            continue
        session_id = contents.header.session.session_id
        if _recover_journal(spool, contents):
            recovered.append(session_id)
        with converted():
            path.unlink()
    still_open = [session.session_id for session in spool.open_sessions()]
    return recovered + [session_id for session_id in still_open if _end(spool, session_id)]


def recovered_chunks(contents: JournalContents, *, after: int, sequence: int) -> list[PlannedChunk]:
    """The chunks in a journal behind the sample `after`, the first of them being `sequence`. Pure.

    Packets behind a hole in the journal are left out: the timeline has no holes.
    """
    packets = contents.packets
    place = -ENCODER_DELAY if after == 0 else after
    own = list(_run(packets, place))
    if not own:
        return []
    before = [packets.get(place - PACKET_SAMPLES * back) for back in range(PRE_ROLL_PACKETS, 0, -1)]
    pre_roll = [packet for packet in before if packet is not None] if after else []
    cutter = Cutter(
        sequence=sequence,
        first_packet=(place + ENCODER_DELAY) // PACKET_SAMPLES,
        pre_roll=pre_roll,
    )
    planned = [cutter.add(packet) for packet in own]
    planned.append(cutter.finish(first_sample_of(cutter.packets)))
    return [chunk for chunk in planned if chunk is not None]


def _run(packets: dict[int, bytes], place: int) -> Iterator[bytes]:
    while place in packets:
        yield packets[place]
        place += PACKET_SAMPLES


def _recover_journal(spool: Spool, contents: JournalContents) -> bool:
    header = contents.header
    session_id = header.session.session_id
    known = spool.session(session_id)
    if known is not None and known.ended_at is not None:
        return False
    if known is None:
        spool.create_session(header.session)
    stored = spool.chunks(session_id)
    after, sequence = header.first_sample, header.sequence
    if stored and stored[-1].sequence >= sequence:
        after = max(after, stored[-1].first_sample + stored[-1].samples)
        sequence = stored[-1].sequence + 1
    for planned in recovered_chunks(contents, after=after, sequence=sequence):
        _commit(spool, contents, planned)
    return _end(spool, session_id, contents.gaps.values())


def _commit(spool: Spool, contents: JournalContents, planned: PlannedChunk) -> None:
    header = contents.header
    data = chunk_file(planned, channels=header.session.channels)
    offset_ms = (planned.first_sample - header.first_sample) * 1000 // SAMPLE_RATE
    spool.add_chunk(
        NewChunk(
            session_id=header.session.session_id,
            sequence=planned.sequence,
            first_sample=planned.first_sample,
            samples=planned.samples,
            sha256=hashlib.sha256(data).hexdigest(),
            data=data,
            started_at=header.started_at + offset_ms,
        )
    )


def _end(spool: Spool, session_id: str, gaps: Iterable[Gap] = ()) -> bool:
    """End a session where its last chunk ends; False when there was nothing and it is removed."""
    chunks = spool.chunks(session_id)
    if not chunks:
        spool.delete_session(session_id)
        return False
    last = chunks[-1]
    total = last.first_sample + last.samples
    for gap in within(gaps, total):
        spool.add_gap(session_id, gap)
    spool.add_gap(session_id, Gap(total, 0, GapReason.CRASH, 0))
    ended_at = last.started_at + last.samples * 1000 // SAMPLE_RATE
    spool.end_session(session_id, ended_at=ended_at, recovered=True)
    return True


def within(gaps: Iterable[Gap], total: int) -> Iterator[Gap]:
    """The gaps as far as they lie in a timeline of `total` samples. Pure."""
    for gap in gaps:
        if gap.samples == 0 and gap.at_sample <= total:
            yield gap
        elif gap.at_sample < total:
            samples = min(gap.samples, total - gap.at_sample)
            yield replace(gap, samples=samples, wall_ms=samples * 1000 // SAMPLE_RATE)


def _put_aside(path: Path, clock: Callable[[], int]) -> None:
    with converted():
        path.rename(path.with_suffix(f".{clock()}.damaged"))
