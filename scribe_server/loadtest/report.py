"""The report's schema; docs/SIMULATOR.md tells it in words. `null` means: it could not be known."""

from typing import Final

import msgspec

SCHEMA: Final = "scribe-loadtest-report-1"


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all parts: snake_case, no unknown fields."""


class Latency(Part, frozen=True):
    """Times in ms, from when a chunk was due until its acknowledgement."""

    samples: int
    average: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    p999: float | None
    max: float | None


class Throughput(Part, frozen=True):
    """Acknowledged chunks and their bytes over the time from the first due to the last ack."""

    seconds: float
    chunks: int
    bytes: int
    chunks_per_s: float
    kb_per_s: float


class Snapshot(Part, frozen=True):
    """What was seen of the server at one moment, `at_s` seconds after the load began."""

    at_s: float
    rss_bytes: int
    cpu_s: float
    segments_bytes: int | None
    database_bytes: int | None
    other_bytes: int | None
    acked: int


class Memory(Part, frozen=True):
    """Resident memory of the server's process tree, bytes."""

    start_bytes: int
    peak_bytes: int
    end_bytes: int
    slope_bytes_per_hour: float | None


class Disk(Part, frozen=True):
    """What the server's folder takes on the disk, bytes: at the end, and the most of all three."""

    segments_bytes: int
    database_bytes: int
    other_bytes: int
    peak_bytes: int


class Server(Part, frozen=True):
    """The server's own cost: CPU of its process tree during the load."""

    own: bool
    server_id: str | None
    cpu_s: float | None
    cpu_us_per_chunk: float | None
    cores: float | None


class Generator(Part, frozen=True):
    """The generator's own cost and lateness; a late generator makes the latency look worse."""

    processes: int
    cpu_s: float
    cpu_us_per_chunk: float | None
    schedule_slip_p99_ms: float | None
    schedule_slip_max_ms: float | None


class BackpressureSeen(Part, frozen=True):
    """How often sessions were told to hold, and for how long, added up over all sessions."""

    told: int
    seconds: float


class Duplicates(Part, frozen=True):
    """Chunks sent again on purpose or after a cut.

    `acked_as_duplicates` are their acknowledgements that said so; `stored_twice` must be 0.
    """

    sent_again: int
    acked_as_duplicates: int
    stored_twice: int


class Connections(Part, frozen=True):
    """Connections made, cut on purpose, lost, and refused."""

    made: int
    cut: int
    lost: int
    failed_attempts: int


class Herd(Part, frozen=True):
    """What became of connections that were all cut at the same moment; seconds after the cut.

    `back` have connected and resumed their session; `sending` of the `to_send` that had chunks left
    have got a chunk acknowledged.
    """

    size: int
    back: int
    to_send: int
    sending: int
    connects_per_s_peak: int
    seconds_until_all_connected: float | None
    seconds_until_all_sending: float | None


class Receipts(Part, frozen=True):
    """Signed receipts: asked for, and those whose digest, numbers and signature are right."""

    asked: int
    valid: int


class Verification(Part, frozen=True):
    """What REST said afterwards: rows compared by hash, bodies downloaded and hashed again."""

    sessions: int
    rows_compared: int
    bodies_hashed: int
    unexpected_rows: int


class Limit(Part, frozen=True):
    """A limit that was stated, or that the scenario implies, and what it was held against."""

    name: str
    limit: float
    value: float | None
    held: bool


class Load(Part, frozen=True):
    """What was asked for."""

    sessions: int
    pace: str
    interval_s: float
    chunks_per_session: int | None
    seconds: float | None
    rate: float | None
    chunk_bytes: int
    chunk_kind: str
    processes: int
    seed: int
    scenarios: list[str]
    user_id: str | None
    own_server: bool


class Machine(Part, frozen=True):
    """Where it ran."""

    system: str
    python: str
    cpus: int
    memory_bytes: int


class Report(Part, frozen=True):
    """The whole report."""

    schema: str
    version: str
    started_at: str
    load: Load
    machine: Machine
    total_chunks: int
    acked: int
    lost: int
    success_rate: float | None
    throughput: Throughput
    latency: Latency
    memory: Memory | None
    disk: Disk | None
    snapshots: list[Snapshot]
    backpressure: BackpressureSeen
    duplicates: Duplicates
    connections: Connections
    herd: Herd | None
    errors: dict[str, int]
    receipts: Receipts
    verification: Verification
    server: Server
    generator: Generator
    limits: list[Limit]
    passed: bool


def encode(report: Report) -> bytes:
    """The report as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def decode(data: bytes) -> Report:
    """Read a report.

    Raises:
        msgspec.ValidationError: it is not of this schema.
    """
    return msgspec.json.decode(data, type=Report)
