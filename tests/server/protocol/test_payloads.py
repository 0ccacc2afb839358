"""Golden payloads: what stands on the wire, letter by letter."""

from typing import Any

import msgspec
import pytest

from scribe_server.protocol import (
    ChunkAck,
    ConnectAuth,
    ErrorCode,
    Limits,
    Payload,
    Refusal,
    SessionError,
    SessionIncomplete,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    SessionStatus,
    SessionStopped,
    StartSession,
    StopSession,
    SyncState,
    SyncStateSession,
    Welcome,
    parse,
    to_wire,
)
from scribe_server.protocol import payloads as module

SESSION = "01234567-89ab-4cde-8f01-23456789abcd"


@pytest.mark.parametrize(
    ("payload", "wire"),
    [
        (
            Welcome(1, "server", 7, "anna", True, 10, Limits(10_485_760, 30_000, None)),
            {
                "protocol": 1,
                "serverId": "server",
                "serverTime": 7,
                "userId": "anna",
                "canAccept": True,
                "window": 10,
                "limits": {"maxChunkBytes": 10_485_760, "chunkMs": 30_000, "quotaBytesLeft": None},
            },
        ),
        (
            ChunkAck(SESSION, 3, 7, "id", False, True, "ab" * 32, 7, 10),
            {
                "sessionId": SESSION,
                "sequence": 3,
                "timestamp": 7,
                "chunkId": "id",
                "duplicate": False,
                "canAccept": True,
                "sha256": "ab" * 32,
                "storedAt": 7,
                "window": 10,
            },
        ),
        (
            SessionStarted(SESSION, "recording", 7, [(0, 2)], 5),
            {
                "sessionId": SESSION,
                "status": "recording",
                "startedAt": 7,
                "missingRanges": [(0, 2)],
                "maxSeq": 5,
            },
        ),
        (
            SessionError("Why.", ErrorCode.NOT_FOUND, SESSION),
            {"error": "Why.", "code": "not_found", "sessionId": SESSION},
        ),
        (
            Refusal(ErrorCode.UNAUTHORIZED, "Sign in."),
            {"code": "unauthorized", "message": "Sign in."},
        ),
        (SessionPaused(SESSION, 7), {"sessionId": SESSION, "pausedAt": 7}),
        (SessionResumed(SESSION, 7), {"sessionId": SESSION, "resumedAt": 7}),
        (SessionStopped(SESSION, 7), {"sessionId": SESSION, "stoppedAt": 7}),
        (
            SessionIncomplete(SESSION, [(1, 1)]),
            {"sessionId": SESSION, "missingRanges": [(1, 1)]},
        ),
        (
            SyncState([SyncStateSession(SESSION, SessionStatus.COMPLETE, True, [(0, 1)], 1)]),
            {
                "sessions": [
                    {
                        "sessionId": SESSION,
                        "status": "complete",
                        "match": True,
                        "stored": [(0, 1)],
                        "maxSeq": 1,
                        "receiptDigest": None,
                    }
                ]
            },
        ),
    ],
)
def test_a_payload_stands_on_the_wire_as_documented(payload: Payload, wire: dict[str, Any]) -> None:
    assert to_wire(payload) == wire


def test_an_original_clients_messages_need_only_what_it_knows() -> None:
    started = parse({"sessionId": SESSION, "title": "A", "source": "tab"}, StartSession)
    assert (started.user_id, started.source, started.forked_from) == (None, "tab", None)
    assert parse({"sessionId": SESSION}, StopSession).manifest is None
    assert parse({}, ConnectAuth) == ConnectAuth()


def test_payloads_cannot_be_changed() -> None:
    payload = SessionPaused(SESSION, 7)
    with pytest.raises(AttributeError):
        payload.paused_at = 8  # type: ignore[misc] - that is the test


def test_every_payload_is_camel_case_and_frozen() -> None:
    kinds = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Payload) and kind is not Payload
    ]
    assert len(kinds) > 20
    for kind in kinds:
        assert kind.__struct_config__.frozen, kind
        for field in msgspec.structs.fields(kind):
            assert "_" not in field.encode_name, (kind, field.encode_name)
