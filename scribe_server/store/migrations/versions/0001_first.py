"""The first schema.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    _people()
    _sessions()
    _chunks()
    _about_sessions()
    _books()


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(200), nullable=False, unique=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "devices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("owner", sa.Integer, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("device_id", sa.String(200), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_seen", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("owner", "device_id"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("owner", sa.Integer, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("last_seen", sa.BigInteger),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("owner", sa.Integer, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("uuid", sa.String(36), nullable=False),
        sa.Column("title", sa.String(1000), nullable=False),
        sa.Column("source", sa.String(50), nullable=False),
        sa.Column("layout", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("paused_at", sa.BigInteger),
        sa.Column("stopped_at", sa.BigInteger),
        sa.Column("expected_chunks", sa.Integer),
        sa.Column("total_samples", sa.BigInteger),
        sa.Column("timezone", sa.String(100)),
        sa.Column("sample_rate", sa.BigInteger),
        sa.Column("channels", sa.Integer),
        sa.Column("codec", sa.String(100)),
        sa.Column("chunk_ms", sa.BigInteger),
        sa.Column("device", sa.String(1000)),
        sa.Column("forked_from", sa.String(36)),
        sa.Column("device_id", sa.String(200)),
        sa.UniqueConstraint("owner", "uuid"),
        sqlite_autoincrement=True,
    )


def _chunks() -> None:
    op.create_table(
        "chunks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("session", sa.Integer, sa.ForeignKey("sessions.id"), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("segment", sa.Integer, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("first_sample", sa.BigInteger),
        sa.Column("samples", sa.BigInteger),
        sa.Column("taken_at", sa.BigInteger),
        sa.Column("mime_type", sa.String(200), nullable=False),
        sa.UniqueConstraint("session", "sequence"),
    )
    op.create_index("chunks_by_time", "chunks", ["session", "created_at"])


def _about_sessions() -> None:
    op.create_table(
        "gaps",
        sa.Column("session", sa.Integer, sa.ForeignKey("sessions.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("at_sample", sa.BigInteger, nullable=False),
        sa.Column("samples", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(50), nullable=False),
        sa.Column("wall_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "markers",
        sa.Column("session", sa.Integer, sa.ForeignKey("sessions.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("at_sample", sa.BigInteger, nullable=False),
        sa.Column("label", sa.String(1000), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "manifests",
        sa.Column("session", sa.Integer, sa.ForeignKey("sessions.id"), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "receipts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("session", sa.Integer, sa.ForeignKey("sessions.id"), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("session", "digest"),
    )


def _books() -> None:
    op.create_table(
        "tombstones",
        sa.Column("owner", sa.Integer, sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("uuid", sa.String(36), primary_key=True),
        sa.Column("deleted_at", sa.BigInteger, nullable=False),
        sa.Column("segment", sa.Integer, nullable=False),
    )
    op.create_table(
        "usage",
        sa.Column("owner", sa.Integer, sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("chunks", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "segments",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("live", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
    )
