import pytest

from scribe_desktop.sync.complaints import EVERY_S, Complaints


def test_a_flood_is_told_once_a_minute_with_its_number(caplog: pytest.LogCaptureFixture) -> None:
    now_s = 0.0
    complaints = Complaints(lambda: now_s)
    for _ in range(1000):
        complaints.add("nonsense", "x\n" * 10_000)
    now_s += EVERY_S
    complaints.add("nonsense", "again")
    complaints.add("more", "something else")
    first, *others = [record.getMessage() for record in caplog.records]
    assert first.startswith("the server sent nonsense, 1 times: 'x")
    assert "\n" not in first
    assert len(first) < 200
    assert others == [
        "the server sent nonsense, 1000 times: 'again'",
        "the server sent more, 1 times: 'something else'",
    ]
