"""Receipts without a server: a key of our own signs what the spool says."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scribe_desktop.model import StoredReceipt
from scribe_desktop.spool import Spool
from scribe_server import protocol

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = KEY.public_key().public_bytes_raw().hex()


def receipt_for(spool: Spool, session_id: str, *, stored_at: int = 10_000) -> protocol.Receipt:
    """A valid receipt for the session as it is now."""
    session = spool.session(session_id)
    assert session is not None
    manifest = spool.manifest(session_id)
    unsigned = protocol.Receipt(
        session_id=session_id,
        digest=protocol.manifest_digest(manifest),
        chunks=len(manifest.chunks),
        total_samples=manifest.total_samples,
        bytes=session.bytes,
        server_id="a-server",
        stored_at=stored_at,
        key_id="a-key",
        signature="",
    )
    fields = protocol.to_wire(unsigned)
    signature = KEY.sign(protocol.receipt_message(unsigned)).hex()
    return protocol.parse({**fields, "signature": signature}, protocol.Receipt)


def deliver(
    spool: Spool,
    session_id: str,
    *,
    stored_at: int = 10_000,
    origin: str = "https://scribe.example",
) -> protocol.Receipt:
    """Ack every chunk of a session and keep a receipt for it."""
    for chunk in spool.chunks(session_id):
        spool.mark_acked(session_id, chunk.sequence, sha256=chunk.sha256, acked_at=stored_at)
    receipt = receipt_for(spool, session_id, stored_at=stored_at)
    spool.save_receipt(
        StoredReceipt(
            session_id=session_id,
            receipt_json=protocol.canonical_json(protocol.to_wire(receipt)).decode(),
            public_key=PUBLIC_KEY,
            server_id=receipt.server_id,
            origin=origin,
            received_at=stored_at,
        )
    )
    return receipt
