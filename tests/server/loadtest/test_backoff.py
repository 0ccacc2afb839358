import pytest

from scribe_server.loadtest.backoff import delay_s


@pytest.mark.parametrize(
    ("failures", "bounds"), [(0, (0.0, 1.0)), (1, (1.2, 1.6)), (9, (1.2, 1.6))]
)
def test_a_lost_connection_comes_back_within_a_second_and_a_failed_attempt_waits_for_one(
    failures: int, bounds: tuple[float, float]
) -> None:
    asked = []
    delay_s(failures, lambda *wanted: asked.append(wanted) or 0.0)
    assert asked == [bounds]
