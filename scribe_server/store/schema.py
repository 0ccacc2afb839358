"""The server's tables (SQLAlchemy Core) and the names of the schema's revisions.

Times are milliseconds since 1970 UTC, sizes bytes, lengths samples at 48 kHz. `owner` is the user
that a row belongs to; a session's UUID is unique per owner only.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

REVISIONS: Final = ("0001", "0002")
"""All revisions that this program knows, oldest first; a test holds it equal to Alembic's."""

HEAD: Final = REVISIONS[-1]

STORED: Final = "stored"
DAMAGED: Final = "damaged"

CHUNKS_LAYOUT: Final = "chunks"
FRAGMENTS_LAYOUT: Final = "fragments"

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)

devices = Table(
    "devices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", ForeignKey("users.id"), nullable=False),
    Column("device_id", String(200), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    UniqueConstraint("owner", "device_id"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", ForeignKey("users.id"), nullable=False),
    Column("token_sha256", LargeBinary(32), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("last_seen", BigInteger),
)

# sqlite_autoincrement: a deleted session's id must never name another session.
sessions = Table(
    "sessions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", ForeignKey("users.id"), nullable=False),
    Column("uuid", String(36), nullable=False),
    Column("title", String(1000), nullable=False),
    Column("source", String(50), nullable=False),
    Column("layout", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("paused_at", BigInteger),
    Column("stopped_at", BigInteger),
    Column("expected_chunks", Integer),
    Column("total_samples", BigInteger),
    Column("timezone", String(100)),
    Column("sample_rate", BigInteger),
    Column("channels", Integer),
    Column("codec", String(100)),
    Column("chunk_ms", BigInteger),
    Column("device", String(1000)),
    Column("forked_from", String(36)),
    Column("device_id", String(200)),
    Column("held_at", BigInteger),
    Column("restored_at", BigInteger),
    UniqueConstraint("owner", "uuid"),
    Index("sessions_by_status", "status", "stopped_at"),
    sqlite_autoincrement=True,
)

# `segment` below 0: the bytes are in the archive whose id is -segment, `offset` bytes into it.
chunks = Table(
    "chunks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("session", ForeignKey("sessions.id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("size", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("segment", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("first_sample", BigInteger),
    Column("samples", BigInteger),
    Column("taken_at", BigInteger),
    Column("mime_type", String(200), nullable=False),
    UniqueConstraint("session", "sequence"),
    Index("chunks_by_time", "session", "created_at"),
)

gaps = Table(
    "gaps",
    metadata,
    Column("session", ForeignKey("sessions.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("at_sample", BigInteger, nullable=False),
    Column("samples", BigInteger, nullable=False),
    Column("reason", String(50), nullable=False),
    Column("wall_ms", BigInteger, nullable=False),
)

markers = Table(
    "markers",
    metadata,
    Column("session", ForeignKey("sessions.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("at_sample", BigInteger, nullable=False),
    Column("label", String(1000), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

manifests = Table(
    "manifests",
    metadata,
    Column("session", ForeignKey("sessions.id"), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

receipts = Table(
    "receipts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("session", ForeignKey("sessions.id"), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("session", "digest"),
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("owner", ForeignKey("users.id"), primary_key=True),
    Column("uuid", String(36), primary_key=True),
    Column("deleted_at", BigInteger, nullable=False),
    Column("segment", Integer, nullable=False),
)

usage = Table(
    "usage",
    metadata,
    Column("owner", ForeignKey("users.id"), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("chunks", BigInteger, nullable=False),
)

# What the blob store's files must hold: `end` bytes are durable and indexed, `live` records are
# still pointed to by a chunk's row.
segments = Table(
    "segments",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("end", BigInteger, nullable=False),
    Column("live", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(50), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger),
    Column("attempts", Integer, nullable=False),
)

# A session's only archive. Its id is never given again: chunks point to it. `key` is its name in
# the place that ARCHIVE_STORAGE_PATH is; without `audio` it holds texts alone.
archives = Table(
    "archives",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("session", ForeignKey("sessions.id"), nullable=False, unique=True),
    Column("key", String(300), nullable=False, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("audio", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

# Why a session could not be moved when a run last tried.
retention_problems = Table(
    "retention_problems",
    metadata,
    Column("session", ForeignKey("sessions.id"), primary_key=True),
    Column("step", String(20), nullable=False),
    Column("reason", String(1000), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
)

# `uptime` is the machine's at the start; `refused` says why a run moved nothing.
retention_runs = Table(
    "retention_runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("started_at", BigInteger, nullable=False),
    Column("uptime", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("refused", String(200)),
    Column("archived", Integer, nullable=False),
    Column("cooled", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
    Column("blocked", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)
