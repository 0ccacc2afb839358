from scribe_server.protocol import (
    CHUNK_MS,
    MAX_CHUNK_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_SEQUENCE,
    PROTOCOL_VERSION,
    RESEND_STATUSES,
    SAMPLE_RATE,
    BackpressureReason,
    Event,
    SessionStatus,
)

ORIGINAL = {
    "start-session",
    "audio-chunk",
    "pause-session",
    "resume-session",
    "stop-session",
    "session-started",
    "chunk-ack",
    "chunk-error",
    "backpressure",
    "session-error",
    "session-paused",
    "session-resumed",
    "session-stopped",
}
OURS = {
    "welcome",
    "sync-check",
    "sync-state",
    "session-incomplete",
    "session-receipt",
    "changed",
}


def test_the_original_clients_events_are_called_as_they_were() -> None:
    assert {event.value for event in Event} == ORIGINAL | OURS


def test_limits_are_those_of_version_one() -> None:
    assert PROTOCOL_VERSION == 1
    assert (SAMPLE_RATE, CHUNK_MS, MAX_SEQUENCE) == (48_000, 30_000, 999_999)
    assert MAX_CHUNK_BYTES == 10 * 1024 * 1024
    assert MAX_MESSAGE_BYTES - MAX_CHUNK_BYTES == 65_536


def test_a_client_sends_again_only_what_can_still_be_taken() -> None:
    assert {status.value for status in SessionStatus} - RESEND_STATUSES == {
        "archived",
        "cold",
        "deleted",
    }


def test_backpressure_has_four_reasons() -> None:
    assert {reason.value for reason in BackpressureReason} == {"queue", "memory", "store", "disk"}
