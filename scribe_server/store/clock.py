"""The server's clock."""

import time


def now_ms() -> int:
    """The wall clock: milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000
