from scribe_server.loadtest.job import Counts
from scribe_server.loadtest.screen import LiveScreen, PlainScreen, Recent, View, words_of
from tests.parts.loadtest import snapshot


def view(**changes: object) -> View:
    usual = {
        "phase": "sending", "counts": Counts(acked=5), "expected": 10, "kb_per_s": 123.4,
        "p50_ms": 1.0, "p99_ms": 9.0, "server": snapshot(1),
    }  # fmt: skip
    return View(**{**usual, **changes})  # type: ignore[arg-type]


def test_a_moment_in_words() -> None:
    assert words_of(view()) == (
        "sending: 5/10 chunks, 123 KB/s, p50 1.0 ms, p99 9.0 ms, server 50 MB, disk 2 MB"
    )


def test_what_is_not_known_is_left_out_and_trouble_is_added() -> None:
    counts = Counts(acked=5, held=2, errors={"busy": 3})
    moment = view(counts=counts, expected=None, p50_ms=None, server=None)
    assert words_of(moment, with_phase=False) == "5 chunks, 123 KB/s, 2 sessions hold, 3 errors"


def test_a_plain_screen_does_not_repeat_itself_within_five_seconds() -> None:
    lines: list[str] = []
    screen = PlainScreen(lines.append)
    screen.show(view())
    screen.show(view())
    screen.say("a word")
    screen.close()
    assert len(lines) == 2
    assert lines[1] == "a word"


def test_a_live_screen_shows_and_goes_away() -> None:
    screen = LiveScreen()
    screen.say("a [word]")
    screen.show(view(expected=None))
    screen.show(view())
    screen.close()
    assert not screen._bar.live.is_started


def test_the_recent_percentiles_forget_what_is_old() -> None:
    recent = Recent()
    recent.add([1000.0] * 10)
    recent.add([1.0] * 5000)
    assert recent.percentiles() == (1.0, 1.0)
    assert Recent().percentiles() == (None, None)
