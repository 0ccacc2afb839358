"""Encoding: processor time of the recorder's encoder, of its whole chain, and of others."""

import resource
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from scribe_desktop.capture.encoder import OpusEncoder
from scribe_desktop.capture.journal import Journal
from scribe_desktop.capture.writer import SessionWriter
from scribe_desktop.spool import Spool
from tests.bench.figures import Run, Runs, ratio, summary
from tests.bench.results import Column, Figure, Goal, Kind, Plot, Result, Row, Series
from tests.bench.rounds import Bench, Contestant, in_turn
from tests.parts.filled_spool import new_session, session_id_of
from tests.parts.processes import program
from tests.parts.sound import RATE, Pcm, make_speech

BITRATE: Final = 32_000
BLOCK: Final = RATE // 10
"""Samples that the recorder gives to the encoder at a time."""
SYNC_BLOCKS: Final = 5
"""The journal is brought to the disk after so many blocks: 0.5 s."""
OURS: Final = "Scribe's encoder"
CHAIN: Final = "Scribe: encoder, journal, cutter, WebM, spool"
OPUSENC: Final = "opusenc"
FFMPEG: Final = "ffmpeg, libopus"
KINDS: Final[dict[str, Kind]] = {OURS: "ours", CHAIN: "ours", OPUSENC: "peer", FFMPEG: "peer"}
COLUMNS: Final = (
    Column("cpu_s", "CPU s per hour of sound", 1),
    Column("core", "of a core while recording, %", 2),
    Column("speed", "times real time", 0),
    Column("kbit_s", "kbit/s", 1),
)
ENCODE: Final = Goal("7c", "Recorder: CPU of encoding, of opusenc's on the same sound", "<=", 1.1)
WHAT: Final = """\
The same speech, 48 kHz mono, to Opus at 32 kbit/s, variable rate, 20 ms, complexity 10. The
recorder's encoder gets blocks of 100 ms and the journal an fdatasync each 0.5 s, as while
recording. Its processor time is that of the work, without Python's start; the others' is that
of their process, which also reads the WAV and writes the file."""
LIBRARIES: Final = """\
The recorder's libopus comes with PyAV, opusenc's and ffmpeg's from the system: a newer libopus
uses more of the processor's vector instructions."""


@dataclass(frozen=True)
class Sound:
    """What is encoded: in memory and as a WAV file."""

    samples: Pcm
    wav: Path

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / RATE


def blocks(samples: Pcm) -> list[Pcm]:
    """The samples as the recorder gets them, of shape (frames, channels)."""
    return [samples[at : at + BLOCK].reshape(-1, 1) for at in range(0, len(samples), BLOCK)]


def encoder(sound: Sound, _folder: Path) -> int:
    """The recorder's encoder alone; bytes of all packets."""
    opus = OpusEncoder(channels=1, bitrate=BITRATE)
    size = 0
    for block in blocks(sound.samples):
        size += sum(map(len, opus.encode(block)))
    return size + sum(map(len, opus.finish()))


def chain(sound: Sound, folder: Path) -> int:
    """Everything between the ring and the spool; bytes of all WebM files."""
    session = new_session(session_id_of(1))
    spool = Spool.open(folder)
    try:
        spool.create_session(session)
        journal = Journal(folder / "session.journal")
        writer = SessionWriter(spool, journal, session, on_spooled=lambda _: None)
        for number, block in enumerate(blocks(sound.samples), start=1):
            writer.feed(block)
            if number % SYNC_BLOCKS == 0:
                writer.sync()
        writer.finish(ended_at=1)
        return sum(chunk.size for chunk in spool.chunks(session.session_id))
    finally:
        spool.close()


def opusenc(sound: Sound, folder: Path) -> int:
    """opusenc as a process; bytes of its file."""
    out = folder / "sound.opus"
    options = ["--quiet", "--bitrate", str(BITRATE // 1000), "--vbr", "--comp", "10"]
    subprocess.run([program("opusenc"), *options, str(sound.wav), str(out)], check=True)
    return out.stat().st_size


def ffmpeg(sound: Sound, folder: Path) -> int:
    """The program ffmpeg as a process, with the recorder's options; bytes of its file."""
    out = folder / "sound.webm"
    options = ["-c:a", "libopus", "-b:a", str(BITRATE), "-vbr", "on", "-application", "voip"]
    options += ["-compression_level", "10", "-frame_duration", "20"]
    command = [program("ffmpeg"), "-v", "error", "-threads", "1", "-i", str(sound.wav), *options]
    subprocess.run([*command, str(out)], check=True)
    return out.stat().st_size


Encode = Callable[[Sound, Path], int]


def cpu_s(who: int) -> float:
    """Seconds of processor time that this process or its children have used."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def measured(encode: Encode, who: int, sound: Sound, folder: Path) -> Run:
    """Encode the sound once."""
    cpu, began = cpu_s(who), time.perf_counter()
    size = encode(sound, folder)
    took, used = time.perf_counter() - began, cpu_s(who) - cpu
    return {
        "cpu_s": used * 3600 / sound.seconds,
        "core": used / sound.seconds * 100,
        "speed": sound.seconds / took,
        "kbit_s": size * 8 / sound.seconds / 1000,
    }


def contestants(sound: Sound) -> dict[str, Contestant]:
    """Every way to encode, by name."""
    own, children = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return {
        OURS: partial(measured, encoder, own, sound),
        OPUSENC: partial(measured, opusenc, children, sound),
        FFMPEG: partial(measured, ffmpeg, children, sound),
        CHAIN: partial(measured, chain, own, sound),
    }


def figures(runs: Runs) -> tuple[Figure, ...]:
    """What is to be reached, and what was."""
    return (Figure(ENCODE, ratio(runs, OURS, OPUSENC, "cpu_s")),)


def run(bench: Bench) -> Result:
    """Make the sound and encode it in every way."""
    wav = bench.folder / "speech.wav"
    seconds = bench.pick(full=120, quick=60, tiny=3)
    sound = Sound(make_speech(wav, seconds=seconds, seed=1), wav)
    runs = in_turn(bench, contestants(sound), bench.pick(full=5, quick=3, tiny=1))
    table = tuple(Row(name, KINDS[name], summary(done)) for name, done in runs.items())
    bars = tuple(
        Series(row.contestant, (value.median,), (), value.low, value.high, row.kind)
        for row in table
        for value in [row.values["cpu_s"]]
    )
    return Result(
        "encode",
        "Encoding",
        WHAT,
        COLUMNS,
        table,
        figures(runs),
        (Plot("encode-cpu", "bars", "Encoding an hour of speech", bars, "CPU s"),),
        (LIBRARIES,),
    )
