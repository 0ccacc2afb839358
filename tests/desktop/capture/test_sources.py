import pytest

from scribe_desktop.capture.sources import (
    SoundServer,
    SoundSource,
    Verdict,
    describe,
    is_available,
    judge,
)

USB = SoundSource("usb", "USB microphone", is_monitor=False, suspended=False)
BUILT_IN = SoundSource("built-in", "Built-in microphone", is_monitor=False, suspended=False)
MONITOR = SoundSource("speakers.monitor", "Monitor", is_monitor=True, suspended=False)
ASLEEP = SoundSource("usb", "USB microphone", is_monitor=False, suspended=True)


def server(recording: str | None, *sources: SoundSource, default: str = "usb") -> SoundServer:
    return SoundServer(sources, default, recording)


@pytest.mark.parametrize(
    ("recording", "wanted", "verdict"),
    [
        ("usb", None, Verdict.FINE),
        ("usb", "usb", Verdict.FINE),
        ("built-in", None, Verdict.FINE),
        ("built-in", "usb", Verdict.LOST),
        ("speakers.monitor", None, Verdict.LOST),
        ("speakers.monitor", "usb", Verdict.LOST),
        ("speakers.monitor", "speakers.monitor", Verdict.FINE),
        ("speakers.monitor", "@DEFAULT_MONITOR@", Verdict.FINE),
        (None, "usb", Verdict.FINE),
        ("gone", None, Verdict.FINE),
    ],
)
def test_a_stream_is_lost_when_it_was_moved_to_what_nobody_chose(
    recording: str | None, wanted: str | None, verdict: Verdict
) -> None:
    assert judge(server(recording, USB, BUILT_IN, MONITOR), wanted) is verdict


def test_a_suspended_source_is_said_to_be() -> None:
    assert judge(server("usb", ASLEEP), None) is Verdict.SUSPENDED


def test_without_a_view_of_the_server_nothing_is_wrong() -> None:
    assert judge(None, "usb") is Verdict.FINE


@pytest.mark.parametrize(
    ("sources", "default", "wanted", "available"),
    [
        ((USB, MONITOR), "usb", None, True),
        ((MONITOR,), "speakers.monitor", None, False),
        ((MONITOR,), "usb", None, False),
        ((MONITOR,), "speakers.monitor", "speakers.monitor", True),
        ((MONITOR,), "speakers.monitor", "@DEFAULT_MONITOR@", True),
        ((BUILT_IN, MONITOR), "built-in", "usb", False),
        ((), "", "@DEFAULT_SOURCE@", False),
    ],
)
def test_a_monitor_is_never_opened_by_accident(
    sources: tuple[SoundSource, ...], default: str, wanted: str | None, available: bool
) -> None:
    assert is_available(server(None, *sources, default=default), wanted) is available


def test_a_source_is_called_what_the_server_calls_it() -> None:
    view = server("built-in", USB, BUILT_IN)
    assert describe(view, "usb") == "Built-in microphone"
    assert describe(server(None, USB, BUILT_IN), "built-in") == "Built-in microphone"
    assert describe(server(None, USB, BUILT_IN), None) == "USB microphone"
    assert describe(server(None), None) == ""
    assert describe(None, "usb") == ""
