from datetime import UTC, datetime

from scribe_server.store.clock import now_ms


def test_the_clock_counts_milliseconds_since_1970_utc() -> None:
    before = datetime.now(UTC).timestamp()
    now = now_ms()
    assert before * 1000 - 1 <= now <= datetime.now(UTC).timestamp() * 1000
