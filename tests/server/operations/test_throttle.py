import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from scribe_server.operations.throttle import Throttle, ThrottledHandler

SITE = ("file.py", 7)


def test_so_many_lines_of_a_place_pass_in_a_minute_and_the_rest_is_counted() -> None:
    throttle = Throttle(lines=2)
    assert [throttle.passes(SITE, "a", 0.0) for _ in range(5)] == [True, True, False, False, False]
    assert throttle.passes(("file.py", 8), "b", 0.0)
    assert list(throttle.ended(59.9)) == []
    assert list(throttle.ended(60.0)) == [("a", 3)]
    assert throttle.passes(SITE, "a", 60.0)
    assert list(throttle.ended(1000.0)) == []


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def flooded(lines: int, clock: Clock) -> Iterator[tuple[logging.Logger, io.StringIO]]:
    stream = io.StringIO()
    handler = ThrottledHandler(stream, throttle=Throttle(lines), monotonic=clock)
    logger = logging.getLogger("flooded")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield logger, stream
    finally:
        logger.removeHandler(handler)
        handler.close()


def test_a_flood_becomes_a_few_lines_and_their_number() -> None:
    clock = Clock()
    with flooded(3, clock) as (logger, stream):
        for number in range(1000):
            logger.info("malformed packet %d", number)
        logger.info("something else")
        clock.now = 61.0
        logger.info("a minute later")
        assert stream.getvalue().splitlines() == [
            *("malformed packet 0", "malformed packet 1", "malformed packet 2", "something else"),
            "997 lines like the last ones were left out",
            "a minute later",
        ]


def test_what_was_left_out_last_is_said_at_the_end() -> None:
    with flooded(1, Clock()) as (logger, stream):
        for _ in range(3):
            logger.warning("again")
    assert stream.getvalue().splitlines() == [
        "again",
        "2 lines like the last ones were left out",
    ]
