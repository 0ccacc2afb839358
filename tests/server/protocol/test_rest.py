import msgspec

from scribe_server.protocol import (
    ErrorCode,
    MissingChunks,
    PublicKey,
    RestError,
    ServerKeys,
    SessionStatus,
    SessionSummary,
    StoredChunk,
    StoredChunks,
)

SESSION = "01234567-89ab-4cde-8f01-23456789abcd"


def encoded(body: msgspec.Struct) -> str:
    return msgspec.json.encode(body).decode()


def test_missing_chunks_are_told_as_the_original_server_did() -> None:
    assert encoded(MissingChunks([1, 3], 5, 4, 6, complete=False, truncated=False)) == (
        '{"missing":[1,3],"maxSeq":5,"totalChunks":4,"expectedChunks":6,"complete":false,'
        '"truncated":false}'
    )
    assert encoded(MissingChunks([], -1, 0, None, None, truncated=False)) == (
        '{"missing":[],"maxSeq":-1,"totalChunks":0,"expectedChunks":null,"complete":null,'
        '"truncated":false}'
    )


def test_the_key_document_lists_the_current_key_first() -> None:
    keys = ServerKeys("server", [PublicKey("new", "Ed25519", "ab"), PublicKey("old", "x", "cd")])
    assert encoded(keys) == (
        '{"serverId":"server","keys":[{"keyId":"new","algorithm":"Ed25519","publicKey":"ab"},'
        '{"keyId":"old","algorithm":"x","publicKey":"cd"}]}'
    )


def test_stored_chunks_tell_hash_size_and_state() -> None:
    assert encoded(StoredChunks([StoredChunk(0, "ab", 3, "damaged")])) == (
        '{"chunks":[{"sequence":0,"sha256":"ab","size":3,"state":"damaged"}]}'
    )


def test_a_refusal_has_a_code_and_words() -> None:
    assert encoded(RestError(ErrorCode.NOT_FOUND, "Nothing there.")) == (
        '{"code":"not_found","error":"Nothing there.","details":null}'
    )


def test_a_summary_survives_the_way() -> None:
    summary = SessionSummary(
        session_id=SESSION,
        title="A talk",
        source="mic",
        status=SessionStatus.RECORDING,
        started_at=1,
        created_at=2,
        stopped_at=None,
        chunks=3,
        bytes=4,
        total_samples=None,
        layout="chunks",
        receipt=None,
    )
    assert msgspec.json.decode(msgspec.json.encode(summary), type=SessionSummary) == summary
